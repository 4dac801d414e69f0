import {
  type DecodedMessage,
  decodeMessages,
  isMessageFault
} from '../../../../gateway/broker/translate/message-codec.ts'

/** All messages of a body; throws where it is none. */
export function decoded(bytes: Buffer): DecodedMessage[] {
  const all = decodeMessages(bytes)
  if (isMessageFault(all)) throw new Error(`${all.fault}: ${all.text}`)
  return all
}
