import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as zlib from 'node:zlib'
import type { Client } from './client.ts'
import { installGo, installJava, installKcat, installPython, sources } from './install.ts'
import type { RecordTraits } from './records.ts'
import type { Codec } from './wire.ts'

const everyCodec: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const everything: RecordTraits = {
  nullHeaderValues: true,
  duplicateHeaders: true,
  binaryKeys: true,
  emptyKeys: true,
  timestamps: true
}

function nodeDriver(name: string): Client['command'] {
  const file = fileURLToPath(new URL(`node/${name}.js`, import.meta.url))
  return { program: process.execPath, arguments: [file] }
}

/** In Node's own process tree, installed with the project: these run in the default tests. */
export const kafkajs: Client = {
  name: 'kafkajs',
  codecs: ['none', 'gzip', 'snappy', 'lz4'],
  codecsShared: ['none', 'gzip', 'snappy', 'lz4'],
  traits: { ...everything, nullHeaderValues: false },
  admin: true,
  givesAgain: false,
  command: nodeDriver('kafkajs')
}

export const platformatic: Client = {
  name: 'platformatic',
  // It takes zstd from Node, which has it from 22.15 on.
  codecs: everyCodec.filter((codec) => codec !== 'zstd' || 'zstdCompress' in zlib),
  // Its snappy is raw; Java's and Python's comes in xerial's frames.
  codecsShared: ['none', 'gzip', 'lz4'],
  // Headers are a map.
  traits: { ...everything, duplicateHeaders: false },
  admin: true,
  givesAgain: true,
  command: nodeDriver('platformatic')
}

export const kcat: Client = {
  name: 'kcat',
  codecs: everyCodec,
  codecsShared: everyCodec,
  // Keys and headers come from the command line and go to text; it sets no timestamps.
  traits: {
    nullHeaderValues: false,
    duplicateHeaders: true,
    binaryKeys: false,
    emptyKeys: false,
    timestamps: false
  },
  admin: false,
  givesAgain: false,
  command: nodeDriver('kcat')
}

async function java(version: '3.9' | '4.1'): Promise<Client> {
  const classPath = await installJava(version)
  return {
    name: `java-${version}`,
    codecs: everyCodec,
    codecsShared: everyCodec,
    traits: everything,
    admin: true,
    givesAgain: false,
    command: {
      program: 'java',
      arguments: [
        ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath],
        ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', 'Driver']
      ]
    }
  }
}

async function go(name: 'franz-go' | 'sarama'): Promise<Client> {
  const folder = await installGo()
  const command = { program: join(folder, name), arguments: [] }
  return {
    name,
    codecs: everyCodec,
    codecsShared: everyCodec,
    traits: everything,
    admin: true,
    givesAgain: false,
    command
  }
}

async function python(name: string, file: string, traits: RecordTraits): Promise<Client> {
  const packages = await installPython()
  const command = {
    program: 'python3',
    arguments: [join(sources, 'python', file)],
    environment: { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' }
  }
  return {
    name,
    codecs: everyCodec,
    codecsShared: everyCodec,
    traits,
    admin: true,
    givesAgain: false,
    command
  }
}

/** Every client by name; the value installs it. */
export const clients: Readonly<Record<string, () => Promise<Client>>> = {
  kafkajs: async () => kafkajs,
  platformatic: async () => platformatic,
  kcat: async () => {
    await installKcat()
    return kcat
  },
  'java-3.9': () => java('3.9'),
  'java-4.1': () => java('4.1'),
  'franz-go': () => go('franz-go'),
  sarama: () => go('sarama'),
  'kafka-python': () =>
    python('kafka-python', 'kafka_python.py', { ...everything, nullHeaderValues: false }),
  'confluent-kafka': () => python('confluent-kafka', 'confluent.py', everything)
}
