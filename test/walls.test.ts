// The import walls of biome.json, shown to stand: planted files that climb them are reported, their neighbours are not.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { projectFolder } from './source-files.ts'

/** By file: what it may import, and what not. */
const planted: Readonly<Record<string, { may: readonly string[]; not: readonly string[] }>> = {
  'storage/layout/planted.ts': {
    may: ['level', '@node-rs/crc32', 'node:path', '../contract.ts', './group.ts'],
    not: [
      'pino',
      'kafkajs',
      'node:fs',
      'node:fs/promises',
      'node:net',
      '../../gateway/tcp/index.ts',
      '../../src/config.ts',
      '../../test/tidy.test.ts'
    ]
  },
  'storage/file-system.ts': {
    may: ['node:fs', 'node:fs/promises'],
    not: ['pino', 'node:net', '../gateway/tcp/index.ts']
  },
  'gateway/tcp/planted.ts': {
    may: ['node:net', '../../storage/ports.ts', './limits.ts'],
    not: [
      'pino',
      'node:fs',
      '../../storage/contract.ts',
      '../../storage/layout/group.ts',
      '../kafka/routes.ts',
      '../broker/topics.ts',
      '../../src/config.ts'
    ]
  },
  'gateway/broker/planted.ts': {
    may: ['node:net', '../../storage/index.ts', './names.ts'],
    not: [
      'level',
      'node:fs',
      '../../storage/layout/group.ts',
      '../../storage/store.ts',
      '../kafka/routes.ts',
      '../rocketmq/routes.ts',
      '../tcp/index.ts',
      '../../src/config.ts'
    ]
  },
  'gateway/kafka/handlers/planted.ts': {
    may: ['../../broker/topics.ts', '../../tcp/index.ts', '../../../storage/index.ts'],
    not: [
      'kafkajs',
      'node:fs',
      'node:net',
      '../../../storage/layout/group.ts',
      '../../rocketmq/routes.ts',
      '../../../src/config.ts'
    ]
  },
  'gateway/kafka/codec/planted.ts': {
    may: ['./bytes.ts', 'node:assert'],
    not: ['../routes.ts', '../../tcp/index.ts', '../../../storage/index.ts', 'snappy']
  },
  'gateway/kafka/schemas/planted.ts': {
    may: ['../codec/index.ts', './fetch.ts'],
    not: ['../routes.ts', '../handlers/fetch.ts', '../../../storage/index.ts']
  },
  'gateway/rocketmq/handlers/planted.ts': {
    may: ['../../broker/topics.ts', '../../tcp/index.ts', '../../../storage/index.ts'],
    not: [
      'kafkajs',
      'node:fs',
      'node:net',
      '../../../storage/layout/group.ts',
      '../../kafka/routes.ts',
      '../../../src/config.ts'
    ]
  },
  'gateway/rocketmq/codec/planted.ts': {
    may: ['./types.ts', 'node:assert'],
    not: ['../routes.ts', '../../tcp/index.ts', '../../../storage/index.ts', 'snappy']
  },
  'gateway/rocketmq/headers/planted.ts': {
    may: ['../codec/index.ts', '../bodies/heartbeat.ts', '../request-codes.ts', './heart-beat.ts'],
    not: ['../routes.ts', '../handlers/heart-beat.ts', '../../../storage/index.ts']
  },
  'gateway/rocketmq/bodies/planted.ts': {
    may: ['../codec/index.ts', './topic-route.ts'],
    not: ['../routes.ts', '../context.ts', '../../../storage/index.ts']
  },
  'src/planted.ts': {
    may: ['pino', 'yargs', 'prom-client', '../storage/index.ts', '../gateway/tcp/index.ts'],
    not: ['kafkajs', 'tap', 'node:fs', '../storage/layout/group.ts', '../test/tidy.test.ts']
  }
}

t.test('each import wall stands where it should', async (t) => {
  const config = JSON.parse(readFileSync(`${projectFolder}biome.json`, 'utf8'))
  // The planted files are in no repository.
  config.vcs.enabled = false
  config.files.includes = ['**']
  const folder = t.testdir({ 'biome.json': JSON.stringify(config), ...tree() })
  const biome = `${projectFolder}node_modules/.bin/biome`
  const words = ['lint', '--only=style/noRestrictedImports', '--max-diagnostics=none']
  const run = spawnSync(biome, [...words, '--reporter=github', '.'], {
    cwd: folder,
    encoding: 'utf8'
  })
  const reported = [...run.stdout.matchAll(/file=(.+?),line=(\d+)/g)].map(
    ([, path = '', line]) => `${path.replace(`${folder}/`, '')}:${line}`
  )
  for (const [path, { may, not }] of Object.entries(planted)) {
    ;[...may, ...not].forEach((name, index) => {
      const isReported = reported.includes(`${path}:${index + 1}`)
      const should = index >= may.length
      t.equal(isReported, should, `${path} ${should ? 'may not' : 'may'} import ${name}`)
    })
  }
})

/** The planted files as nested folders. */
function tree(): Record<string, object> {
  const root: Record<string, Record<string, unknown>> = {}
  for (const [path, { may, not }] of Object.entries(planted)) {
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    let folder: Record<string, unknown> = root
    for (const part of parts) {
      folder[part] ??= {}
      folder = folder[part] as Record<string, unknown>
    }
    folder[name] = [...may, ...not].map((target) => `import '${target}'\n`).join('')
  }
  return root
}
