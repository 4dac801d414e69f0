/** The log: pino, readable at a terminal and JSON lines otherwise, one line a lifecycle event. */
import { type DestinationStream, type LoggerOptions, pino } from 'pino'
import type { LogSink } from '../storage/index.ts'
import { describeError } from './describe-error.ts'

/**
 * The log's stable event names are the `event` field of its lines; everything else on a line is the event's data.
 * Text is made for people and may change.
 */
const options: LoggerOptions = {
  base: null,
  messageKey: 'event',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) }
}

/**
 * Makes the process's log on standard output. Lines are written at once (there are few), so none is lost by an exit.
 * @param level the least severe level written; 'silent' for none
 */
export async function createLog(level: string): Promise<LogSink> {
  return sinkOf(pino({ ...options, level }, await destination()))
}

async function destination(): Promise<DestinationStream> {
  if (process.stdout.isTTY) {
    const { default: pretty } = await import('pino-pretty')
    return pretty({ messageKey: 'event', translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' })
  }
  const lines = pino.destination({ dest: 1, sync: true })
  // Whoever reads our output may go away; the server goes on without it.
  lines.on('error', () => {})
  return lines
}

function sinkOf(logger: pino.Logger): LogSink {
  return (level, event, fields) => {
    if (fields === undefined) logger[level](event)
    else logger[level](plain(fields), event)
  }
}

/** Errors anywhere among the fields become their texts; pino does so for a field named `err` only. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof Error ? describeError(value) : value
  ])
  return Object.fromEntries(entries)
}
