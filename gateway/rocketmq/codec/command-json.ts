/** The JSON header. Missing keys are 0 or none, as Java's are; what is there must be of its type. */
import type { CommandHeader } from './command.ts'
import { languageOfName } from './language.ts'
import { parseJson } from './loose-json.ts'
import { ProtocolError } from './protocol-error.ts'

export function readJsonHeader(text: string): CommandHeader {
  const parsed = parseJson(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ProtocolError('the header is no JSON object')
  }
  const json = parsed as Readonly<Record<string, unknown>>
  return {
    code: intOf(json, 'code'),
    language: languageOfName(json.language),
    version: intOf(json, 'version'),
    opaque: intOf(json, 'opaque'),
    flag: intOf(json, 'flag'),
    remark: remarkOf(json.remark),
    fields: fieldsOf(json.extFields)
  }
}

/** Keys in the order in which Java writes them. Go's reader wants every field's value to be a text. */
export function writeJsonHeader(header: CommandHeader): Buffer {
  const { code, language, version, opaque, flag, remark, fields } = header
  let json = `{"code":${code},`
  let before = '"extFields":{'
  for (const [name, value] of fields) {
    json += `${before}${JSON.stringify(name)}:${JSON.stringify(value)}`
    before = ','
  }
  if (fields.size > 0) json += '},'
  json += `"flag":${flag},"language":"${language}","opaque":${opaque},`
  if (remark !== null) json += `"remark":${JSON.stringify(remark)},`
  return Buffer.from(`${json}"serializeTypeCurrentRPC":"JSON","version":${version}}`)
}

function intOf(json: Readonly<Record<string, unknown>>, name: string): number {
  const value = json[name] ?? 0
  // As fastjson: a number may be told as a text.
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  if (typeof number !== 'number' || number !== (number | 0)) {
    throw new ProtocolError(`the header's ${name} is no int`)
  }
  // -0 is a number of JSON's.
  return number | 0
}

function remarkOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'object') throw new ProtocolError('the remark is no text')
  return String(value)
}

function fieldsOf(value: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  if (value === undefined || value === null) return fields
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new ProtocolError('the fields are no JSON object')
  }
  for (const [name, one] of Object.entries(value)) {
    if (one === null) continue
    fields.set(name, typeof one === 'string' ? one : textOf(one))
  }
  return fields
}

/** As fastjson: what is no text becomes its JSON. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
