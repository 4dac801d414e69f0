/*
 * The binary header (RocketMQSerializable).
 *
 *   0  code (int16)        2  language (1)      3  version (int16)
 *   5  opaque (int32)      9  flag (int32)
 *  13  remark: int32 bytes, UTF-8; 0 bytes are none
 *   .  fields: int32 bytes of all, then of each int16 bytes and the name, int32 bytes and the value
 */
import type { CommandHeader } from './command.ts'
import { languageCodes, languageOfCode } from './language.ts'
import { ProtocolError } from './protocol-error.ts'

const fixedBytes = 13

export function readBinaryHeader(bytes: Buffer): CommandHeader {
  if (bytes.length < fixedBytes) throw new ProtocolError('the binary header is cut off')
  const reader = new HeaderReader(bytes)
  const remark = reader.text(reader.length(4))
  const fields = reader.fields()
  // What follows the fields is nobody's, as in Java.
  return {
    code: bytes.readInt16BE(0),
    language: languageOfCode(bytes.readUInt8(2)),
    version: bytes.readInt16BE(3),
    opaque: bytes.readInt32BE(5),
    flag: bytes.readInt32BE(9),
    remark: remark === '' ? null : remark,
    fields
  }
}

class HeaderReader {
  readonly #bytes: Buffer
  #at = fixedBytes

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** A length of `size` bytes; what it announces must be there. */
  length(size: 2 | 4): number {
    if (this.#bytes.length - this.#at < size)
      throw new ProtocolError('the binary header is cut off')
    const length = this.#bytes.readIntBE(this.#at, size)
    this.#at += size
    if (length < 0) throw new ProtocolError(`a length of ${length} in the binary header`)
    if (length > this.#bytes.length - this.#at) {
      throw new ProtocolError(`${length} bytes announced in the binary header are not there`)
    }
    return length
  }

  text(length: number): string {
    const text = this.#bytes.toString('utf8', this.#at, this.#at + length)
    this.#at += length
    return text
  }

  fields(): ReadonlyMap<string, string> {
    const fields = new Map<string, string>()
    const end = this.length(4) + this.#at
    while (this.#at < end) {
      const name = this.text(this.length(2))
      fields.set(name, this.text(this.length(4)))
    }
    if (this.#at > end) throw new ProtocolError("a field ends behind the binary header's fields")
    return fields
  }
}

/** Throws RangeError for a code or version above 32,767: such commands are JSON's alone. */
export function writeBinaryHeader(header: CommandHeader): Buffer {
  const { code, language, version, opaque, flag, remark, fields } = header
  const remarkBytes = Buffer.from(remark ?? '')
  const parts: Buffer[] = []
  let fieldBytes = 0
  for (const [name, value] of fields) {
    const nameBytes = Buffer.from(name)
    const valueBytes = Buffer.from(value)
    const lengths = [Buffer.allocUnsafe(2), Buffer.allocUnsafe(4)] as const
    lengths[0].writeInt16BE(nameBytes.length)
    lengths[1].writeInt32BE(valueBytes.length)
    parts.push(lengths[0], nameBytes, lengths[1], valueBytes)
    fieldBytes += 6 + nameBytes.length + valueBytes.length
  }
  const fixed = Buffer.allocUnsafe(fixedBytes + 4)
  fixed.writeInt16BE(code, 0)
  fixed.writeUInt8(languageCodes[language], 2)
  fixed.writeInt16BE(version, 3)
  fixed.writeInt32BE(opaque, 5)
  fixed.writeInt32BE(flag, 9)
  fixed.writeInt32BE(remarkBytes.length, fixedBytes)
  const fieldsLength = Buffer.allocUnsafe(4)
  fieldsLength.writeInt32BE(fieldBytes)
  return Buffer.concat([fixed, remarkBytes, fieldsLength, ...parts])
}
