/** The codec's door: what schemas, dispatch, handlers and tests need. */
export { type ApiName, apiKeys, apiNameOf } from './api-keys.ts'
export { frameElementsMax, Reader, Writer, zeroUuid } from './bytes.ts'
export {
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type RequestHeader,
  readRequestBody,
  readRequestHeader
} from './frame.ts'
export { ProtocolError } from './protocol-error.ts'
export {
  type AnyField,
  type AnyMessage,
  array,
  type BodyOf,
  bool,
  bytes,
  clamped64,
  type Fields,
  float64,
  type InputOf,
  int8,
  int16,
  int32,
  int64,
  Message,
  neverFlexible,
  offset64,
  records,
  request,
  response,
  string,
  struct,
  uuid
} from './schema.ts'
