/** The codec's door: what headers, bodies, dispatch, handlers and tests need. */
export {
  type AnyBody,
  type Body,
  type BodyInput,
  type BodyOf,
  bytes,
  json,
  keyed,
  list,
  noBody,
  propertyLines,
  struct,
  table
} from './body.ts'
export {
  type Command,
  type CommandHeader,
  decodeCommand,
  encodeCommand,
  flags,
  frameLengthMax,
  type Serialization
} from './command.ts'
export {
  type AnyHeader,
  Header,
  type HeaderFields,
  type HeaderInput,
  type HeaderOf,
  header
} from './header.ts'
export { type Language, languageCodes } from './language.ts'
export { parseJson } from './loose-json.ts'
export { ParameterError, ProtocolError } from './protocol-error.ts'
export { type AnyRequest, type RequestType, request } from './request.ts'
export {
  type AnyType,
  bigLong,
  bool,
  clampedLong,
  defaulted,
  double,
  int,
  long,
  nearestLong,
  optional,
  type Read,
  type Shape,
  text,
  type Written
} from './types.ts'
