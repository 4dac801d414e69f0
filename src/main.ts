/** The command: what was asked for, signals and exit codes. */
import yargs from 'yargs'
import { backupOptions, reindexOptions } from './cli/command-options.ts'
import { type CommandOption, optionsFor } from './cli/options.ts'
import { type SettingName, settingNames } from './config.ts'
import { describeError } from './describe-error.ts'
import { exitCodes } from './exit-codes.ts'
import { UsageError } from './usage-error.ts'
import { version } from './version.ts'

type Options = Readonly<Record<string, unknown>>

interface Command {
  readonly doc: string
  readonly run: (options: Options) => Promise<number>
  /** Those that it takes as options; the environment and the file may have all. */
  readonly settings: readonly SettingName[]
  /** Those that are no settings. */
  readonly options?: Readonly<Record<string, CommandOption>>
}

/** Each command's file is loaded when it is asked for: a start reads only what it needs. */
const commands = {
  serve: {
    doc: 'Start the server',
    run: async (options: Options) => (await import('./cli/serve.ts')).serve(options),
    settings: settingNames
  },
  check: {
    doc: 'Read a store that is not open, and say what is wrong with it',
    run: async (options: Options) => (await import('./cli/check.ts')).check(options),
    settings: ['data']
  },
  backup: {
    doc: 'Copy a store to another folder, also while its server runs',
    run: async (options: Options) => (await import('./cli/backup.ts')).backup(options),
    settings: ['data', 'flush', 'logLevel'],
    options: backupOptions
  },
  reindex: {
    doc: 'Make LevelDB anew from the log of a store that is not open',
    run: async (options: Options) => (await import('./cli/reindex.ts')).reindex(options),
    settings: ['data', 'logLevel'],
    options: reindexOptions
  }
} as const satisfies Record<string, Command>

type CommandName = keyof typeof commands

async function run(words: readonly string[]): Promise<number> {
  let code: number | undefined
  // yargs makes the help's text whenever a command runs, which takes longer than to parse; not of hidden options.
  const asksForHelp = words.some((word) => word.startsWith('--help'))
  const parser = yargs(words)
    .scriptName('isthmus')
    .usage('$0 <command> [options]')
    .locale('en')
    .version(version)
    .help()
    .strict()
    .demandCommand(1, 1, 'a command is needed: isthmus --help lists them', 'one command, please')
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'parse-numbers': false
    })
    .exitProcess(false)
    .fail((text, error) => {
      // yargs' own errors are about the words typed; others come from the command that ran.
      throw error === undefined || error.name === 'YError'
        ? new UsageError(error?.message ?? text)
        : error
    })
  for (const name of Object.keys(commands) as CommandName[]) {
    parser.command(
      name,
      commands[name].doc,
      (command) => {
        const { settings, options = {} } = commands[name] as Command
        const all = { ...optionsFor(settings), ...options }
        command.options(all)
        if (!asksForHelp) for (const option of Object.keys(all)) command.hide(option)
        return command
      },
      async (options) => {
        code = await commands[name].run(options)
      }
    )
  }
  parser.wrap(Math.min(100, process.stdout.columns ?? 100))
  await parser.parseAsync()
  return code ?? exitCodes.done
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`isthmus: ${describeError(error)}\n`)
  process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.cannotStart
}
