// Style that neither the compiler nor the linter checks. The linter has the rest: import walls, cycles, the length of
// functions, default exports (biome.json; walls.test.ts shows that they fire).
import t from 'tap'
import { importsOf, sourceFiles } from './source-files.ts'

const files = sourceFiles()

const fileLinesMax = 400
const codeColumnsMax = 100
/** Comments are prose; a table or a sentence may need a little more. */
const commentColumnsMax = 120

/** Folders, words that they may not say, and why. */
const bannedWords: readonly { in: RegExp; not?: RegExp; word: RegExp; why: string }[] = [
  {
    in: /^(test\/)?(src|storage|gateway\/(tcp|broker|rocketmq))\//,
    word: /partition/i,
    why: 'a queue; only the Kafka gateway says partition'
  },
  {
    in: /^(storage|gateway\/tcp)\//,
    word: /\b(correlation ?id|consumer ?group|topic-?partition|api ?key)\b/i,
    why: 'a wire word'
  },
  {
    in: /^storage\//,
    word: /\b(socket|frame|request header)\b/i,
    not: /^storage\/batch\//,
    why: 'storage knows no wire'
  },
  {
    in: /^/,
    word: /\b(FIXME|XXX|HACK)\b/,
    not: /^test\/tidy/,
    why: 'finish it, or say so in prose'
  },
  { in: /^/, word: /\/work\//, not: /^test\/tidy/, why: 'a path of one machine' }
]

/** Packages and node modules that only these may import. */
const importers: readonly { of: RegExp; only: RegExp }[] = [
  {
    of: /^node:fs/,
    only: /^(storage\/file-system|src\/(boot-id|config-\w+|temporary-\w+))\.ts$|^(test|bench|ex|sc)/
  },
  { of: /^pino$/, only: /^src\/logger\.ts$/ },
  { of: /^pino-pretty$/, only: /^src\/logger\.ts$/ },
  { of: /^yargs$/, only: /^src\/main\.ts$/ },
  { of: /^prom-client$/, only: /^src\/http\// },
  { of: /^(kafkajs|@platformatic\/kafka|tap|fast-check)$/, only: /^(test|bench|examples)\// },
  { of: /^memory-level$/, only: /^test\// },
  { of: /^peggy$/, only: /^scripts\/grammar\.mjs$/ }
]

t.test('no file is longer than a reader can hold', async (t) => {
  for (const { path, lines } of files) {
    if (lines.length - 1 > fileLinesMax) t.fail(`${path} has ${lines.length - 1} lines`)
  }
  t.ok(files.length > 30, 'the files were found')
})

t.test('lines fit: 100 columns of code, 120 of a comment', async (t) => {
  for (const { path, lines } of files) {
    lines.forEach((line, index) => {
      const max = /^\s*(\*|\/\/|\/\*)/.test(line) ? commentColumnsMax : codeColumnsMax
      // A text is not broken in two for the sake of a column.
      if (line.length > max && !/['`]/.test(line)) {
        t.fail(`${path}:${index + 1} has ${line.length} columns`)
      }
    })
  }
})

t.test('each folder keeps to its words', async (t) => {
  for (const { in: where, not, word, why } of bannedWords) {
    for (const { path, lines } of files) {
      if (!where.test(path) || not?.test(path)) continue
      lines.forEach((line, index) => {
        const said = word.exec(line)?.[0]
        if (said !== undefined) t.fail(`${path}:${index + 1} says '${said}': ${why}`)
      })
    }
  }
})

t.test('a record is no message', async (t) => {
  // `message` alone is an error's text; messageType is a topic's (RocketMQ's word for it).
  const declared =
    /\b(?:const|let|function|class|interface|readonly)\s*(\w*messages\w*|\w+message\b)/i
  for (const { path, lines } of files) {
    if (!/^(src|storage|gateway\/broker)\//.test(path)) continue
    // Where the one becomes the other, both have their names.
    if (path.startsWith('gateway/broker/translate/')) continue
    lines.forEach((line, index) => {
      const name = declared.exec(line)?.[1]
      if (name !== undefined) t.fail(`${path}:${index + 1} declares ${name}`)
    })
  }
})

t.test('no file is named for having no name', async (t) => {
  for (const { path } of files) {
    if (/(^|\/)(utils?|helpers?|common|misc)(\.|\/)/.test(path)) t.fail(path)
    if (/[A-Z_]/.test(path.replace(/.*\//, ''))) t.fail(`${path} is not in kebab case`)
  }
})

t.test('only the files meant to import what touches the world', async (t) => {
  for (const file of files) {
    for (const name of importsOf(file)) {
      const rule = importers.find(({ of }) => of.test(name))
      if (rule !== undefined && !rule.only.test(file.path)) t.fail(`${file.path} imports ${name}`)
    }
  }
})

t.test('clock and chance come in through ports', async (t) => {
  const worldly = new RegExp(
    String.raw`(Date\.now|performance\.now|set(Timeout|Interval)|Math\.random)` +
      String.raw`|(new Date\(|random(UUID|Bytes))`
  )
  for (const { path, lines } of files) {
    if (!/^(storage|gateway)\//.test(path) || path === 'storage/system-ports.ts') continue
    lines.forEach((line, index) => {
      const used = worldly.exec(line)
      if (used !== null && !/^\s*(\*|\/\/)/.test(line))
        t.fail(`${path}:${index + 1} uses ${used[0]}`)
    })
  }
})

t.test('no enum and no default export', async (t) => {
  for (const { path, lines } of files) {
    lines.forEach((line, index) => {
      if (/^\s*(export )?(declare )?(const )?enum \w/.test(line))
        t.fail(`${path}:${index + 1}: enum`)
      if (/^export default\b/.test(line)) t.fail(`${path}:${index + 1}: default export`)
    })
  }
})
