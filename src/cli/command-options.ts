/** Options of single commands that are no settings; here, so that a start loads no command but its own. */
import type { CommandOption } from './options.ts'

type CommandOptions = Readonly<Record<string, CommandOption>>

export const backupOptions: CommandOptions = {
  to: {
    describe: 'Folder to make the backup in: empty, or not there yet',
    group: 'Backup',
    requiresArg: true,
    string: true
  }
}

export const reindexOptions: CommandOptions = {
  'skip-damaged': {
    describe:
      'Give up what is damaged or missing for good, and say which offsets of which queues that is',
    group: 'Repair',
    boolean: true
  },
  'from-segments': {
    describe:
      'The same, and where no snapshot can be read make the state of what the segments tell',
    group: 'Repair',
    boolean: true
  }
}
