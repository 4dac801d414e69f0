import t from 'tap'
import { type RunEntry, RunList } from '../../storage/run-list.ts'

function runAt(i: number): RunEntry {
  return {
    baseOffset: i * 10,
    nextOffset: i * 10 + 10,
    segment: 3,
    position: 4096 + i * 100,
    bytes: 90,
    appendTimeMs: 1000 + i,
    maxTimestamp: 500 - i,
    runningMax: 500 + Math.floor(i / 2),
    flags: i % 4
  }
}

function listOf(count: number): RunList {
  const list = new RunList()
  for (let i = 0; i < count; i++) list.push(runAt(i))
  return list
}

t.test('every field of every entry comes back, over growth and drops at the front', (t) => {
  const list = listOf(100)
  list.dropFirst(37)
  for (let i = 100; i < 300; i++) list.push(runAt(i))
  t.equal(list.length, 263)
  for (let i = 0; i < list.length; i++) t.strictSame(list.at(i), runAt(37 + i))
  t.equal(list.firstOffset(), 370)
  t.equal(list.nextOffset(), 3000)
  t.end()
})

t.test('an offset is found in the run that holds it, and the end behind the last', (t) => {
  const list = listOf(20)
  list.dropFirst(5)
  t.equal(list.indexOf(50), 0)
  t.equal(list.indexOf(59), 0)
  t.equal(list.indexOf(60), 1)
  t.equal(list.indexOf(199), 14)
  t.equal(list.indexOf(200), 15)
  t.equal(list.indexOf(0), 0, 'what was dropped: the first that is left')
  t.end()
})

t.test('searches by time give the first run at or after it', (t) => {
  const list = listOf(20)
  t.equal(list.indexByRecordTime(0), 0)
  t.equal(list.indexByRecordTime(503), 6)
  t.equal(list.indexByRecordTime(510), 20)
  t.equal(list.indexByAppendTime(1007), 7)
  t.equal(list.indexByAppendTime(1020), 20)
  t.end()
})

t.test('a list that was emptied takes new entries from its start', (t) => {
  const list = listOf(200)
  const before = list.heldBytes
  list.dropFirst(200)
  t.equal(list.length, 0)
  t.ok(list.heldBytes < before, 'and gives back its memory')
  list.push(runAt(7))
  t.strictSame(list.at(0), runAt(7))
  t.end()
})
