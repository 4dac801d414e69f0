// Segments and snapshots that are not there, with the built command: what is given up, and what is had back.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { exitCodes } from '../../src/exit-codes.ts'
import { read, send, sendLater, settingOf, stop, topics } from './command-clients.ts'
import {
  closedStore,
  fetchAt,
  flip,
  metric,
  placeOf,
  pull,
  run,
  segments,
  small,
  snapshots,
  textOf
} from './damaged-store.ts'
import { anyPorts, runCommand } from './run-command.ts'

/** Processes start slowly on a busy machine. */
t.setTimeout(300_000)

/** What clients of Kafka and of RocketMQ are told where a file cannot be read. */
const storageError = 56
const serviceNotAvailable = 14

const upToTen = Array.from({ length: 10 }, (_, i) => i)

const hasRecord = (path: string, i: number): boolean => readFileSync(path).includes(textOf(i))

/** The file that has a record, gone. */
function lose(data: string, value: string): number {
  const { path } = placeOf(data, value)
  rmSync(path)
  return Number.parseInt(path.slice(path.lastIndexOf('/') + 1), 10)
}

t.test('a segment that no backup has is given up by name, and read over', async (t) => {
  const data = await closedStore(t)
  const id = lose(data, textOf(4))
  const check = await run(t, ['check', '--data', data], exitCodes.failed)
  t.match(check.text, new RegExp(`segment ${id} before it is not there`))
  // With its view whole the server starts: what is there can be read.
  const early = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  t.same(await read(early, 'damaged', 'early', 2), [0, 1].map(textOf))
  t.equal(await fetchAt(early, 4), storageError)
  t.equal(await pull(early, 4), serviceNotAvailable)
  await stop(t, early)
  rmSync(join(data, 'index'), { recursive: true })
  const refused = await run(t, ['serve', ...anyPorts, '--data', data], exitCodes.cannotStart)
  t.match(refused.errors, new RegExp(`segment ${id} of the log is not there`))

  const words = ['reindex', '--data', data, '--skip-damaged', '--log-level', 'error']
  const reindex = await run(t, words, exitCodes.done)
  t.match(reindex.text, new RegExp(`^given up: segment ${id} is not there$`, 'm'))
  const named = /^given up: topic damaged, queue 0, offsets (\d+) to (\d+), of segment (\d+)$/m
  const [, first, last, segment] = named.exec(reindex.text) ?? []
  t.equal(Number(segment), id)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)
  t.notMatch((await run(t, words, exitCodes.done)).text, /given up/)

  const left = upToTen.filter((i) => i < Number(first) || i > Number(last))
  t.ok(left.length > 3 && left.length < 9, `${left} are left`)
  const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  t.same(await read(server, 'damaged', 'g', left.length), left.map(textOf))
  t.equal(await pull(server, 4), 0, 'a pull goes on behind them')
  await send(server, 'damaged', ['more'])
  await stop(t, server)
})

t.test('a store is had back from its segments alone', async (t) => {
  const data = await closedStore(t)
  const before = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  // Due in two hours.
  await sendLater(before, 'damaged', 'DELAY\u000118\u0002')
  await stop(t, before)
  // The topic's row goes with the first records.
  const id = lose(data, textOf(0))
  rmSync(join(data, 'index'), { recursive: true })
  for (const path of snapshots(data)) flip(path, readFileSync(path).length - 30)
  const asked = ['reindex', '--data', data, '--log-level', 'error']
  for (const words of [asked, [...asked, '--skip-damaged']]) {
    const refused = await run(t, words, exitCodes.cannotStart)
    t.match(refused.errors, new RegExp(`segment ${id}, .* and no snapshot can be read`))
  }
  const reindex = await run(t, [...asked, '--from-segments'], exitCodes.done)
  t.match(reindex.text, /^no snapshot can be read: the state is what the segments tell$/m)
  const gap = new RegExp(`^deleted, cleaned or lost: segment ${id}, flush groups 1 to \\d+$`, 'm')
  t.match(reindex.text, gap)
  t.match(reindex.text, /^settings are lost: topic damaged /m)
  t.match((await run(t, ['check', '--data', data], exitCodes.done)).text, /^0 problems/)

  const server = runCommand(t, ['serve', ...anyPorts, ...small, '--data', data])
  const kept = upToTen.filter((i) => segments(data).some((path) => hasRecord(path, i)))
  t.ok(kept.length > 5 && kept.length < 10, `${kept} are left`)
  t.same(await read(server, 'damaged', 'g', kept.length), kept.map(textOf))
  await send(server, 'damaged', ['more'])
  t.same(await read(server, 'damaged', 'g', 1), ['more'])
  t.same(await topics(server), ['damaged'], 'what is hidden stays so')
  t.equal(await settingOf(server, 'damaged', 'retention.ms'), '-1', 'nothing is deleted unasked')
  t.equal(await metric(server, 'timers_pending\\{kind="delayed"\\}'), 1)
  await stop(t, server)
})
