import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHexText } from './capture.ts'

/** Tests run from the project's root. */
const folder = 'test/fixtures/rocketmq/frames'

/** What RocketMQ's own decoder reads in a frame (test/clients/rocketmq/FrameFacts.java). */
export interface FrameFacts {
  readonly code: number
  readonly language: string
  readonly version: number
  readonly opaque: number
  readonly flag: number
  readonly remark: string | null
  readonly serialization: 'JSON' | 'ROCKETMQ'
  readonly fields: Readonly<Record<string, string>>
  /** The body where it is JSON, as fastjson parses it. */
  readonly json?: unknown
  /** Any other body, in base64. */
  readonly body?: string
}

/** A captured frame. 'push' and 'reply' are the server's request to a client, and its answer. */
export interface Fixture {
  readonly file: string
  /** Of the request's code. */
  readonly name: string
  readonly direction: 'request' | 'response' | 'push' | 'reply'
  /** Without the length in front. */
  readonly frame: Buffer
  readonly facts: FrameFacts
}

/** All captured frames. Their first line is `# SEND_MESSAGE request`. */
export function rocketmqFixtures(): Fixture[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.hex'))
  return files.map((file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    const [, name, direction] = /^# (\w+) (\w+)$/m.exec(text) ?? []
    const facts = readFileSync(join(folder, file.replace('.hex', '.json')), 'utf8')
    return {
      file,
      name: name!,
      direction: direction as Fixture['direction'],
      frame: parseHexText(text),
      facts: JSON.parse(facts) as FrameFacts
    }
  })
}
