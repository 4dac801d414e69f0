import t from 'tap'
import type { OffsetEntry } from '../../../../gateway/broker/groups/index.ts'
import {
  PassingOffsets,
  passingDelayMs
} from '../../../../gateway/broker/groups/passing-offsets.ts'
import { FakeClock, settled } from '../../../support/fake-clock.ts'

const place = (queue: number, offset: number): OffsetEntry => ({
  topicId: 'topic',
  queue,
  offset,
  leaderEpoch: -1,
  metadata: ''
})

interface Held {
  readonly group: string
  readonly offsets: readonly (readonly [queue: number, offset: number])[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Commits wait until the test answers them. */
function open() {
  const clock = new FakeClock()
  const commits: Held[] = []
  const logged: string[] = []
  const passing = new PassingOffsets({
    clock,
    log: (_, event) => logged.push(event),
    commit: (group, entries) =>
      new Promise((resolve, reject) => {
        const offsets = entries.map(({ queue, offset }) => [queue, offset] as const)
        commits.push({ group, offsets, resolve: () => resolve(new Set()), reject })
      })
  })
  return { clock, commits, logged, passing }
}

t.test('what is mentioned is committed after the delay, the last of each queue only', async (t) => {
  const { clock, commits, passing } = open()
  passing.note('g', place(0, 1))
  passing.note('g', place(1, 7))
  await clock.advance(passingDelayMs - 1)
  passing.note('g', place(0, 2))
  t.equal(commits.length, 0)
  await clock.advance(1)
  t.same(
    commits.map(({ group, offsets }) => ({ group, offsets })),
    [
      {
        group: 'g',
        offsets: [
          [0, 2],
          [1, 7]
        ]
      }
    ]
  )
  commits[0]?.resolve()
  await clock.advance(10 * passingDelayMs)
  t.equal(commits.length, 1, 'once')
  t.equal(clock.timers, 0, 'and no timer is left')
})

t.test('who asks has it committed first, and waits for what is under way', async (t) => {
  const { clock, commits, passing } = open()
  passing.note('g', place(0, 1))
  await clock.advance(passingDelayMs)
  passing.note('g', place(0, 2))
  let done = false
  const asked = passing.flush('g').then(() => {
    done = true
  })
  t.same(commits.at(-1)?.offsets, [[0, 2]])
  commits[1]?.resolve()
  await settled()
  t.notOk(done, 'the first is under way')
  commits[0]?.resolve()
  await asked
  t.equal(clock.timers, 0)
})

t.test('what is said in so many words is the last word', async (t) => {
  const { clock, commits, passing } = open()
  passing.note('g', place(0, 1))
  passing.note('g', place(1, 1))
  passing.note('h', place(0, 1))
  passing.forget('g', [place(0, 9)])
  passing.forget('h')
  await clock.advance(passingDelayMs)
  t.same(
    commits.map(({ group, offsets }) => ({ group, offsets })),
    [{ group: 'g', offsets: [[1, 1]] }]
  )
})

t.test('what is stored already is not stored again, unless another is on its way', async (t) => {
  const { clock, commits, passing } = open()
  const same = place(0, 5)
  passing.note('g', same)
  passing.unsay('g', same)
  await clock.advance(passingDelayMs)
  t.equal(commits.length, 0)
  passing.note('g', place(0, 3))
  await clock.advance(passingDelayMs)
  passing.note('g', same)
  passing.unsay('g', same)
  await clock.advance(passingDelayMs)
  t.same(
    commits.map(({ offsets }) => offsets),
    [[[0, 3]], [[0, 5]]]
  )
})

t.test('a refusal is logged, and closing commits what is left', async (t) => {
  const { commits, logged, passing } = open()
  passing.note('g', place(0, 1))
  const closed = passing.close()
  commits[0]?.reject(new Error('refused'))
  await closed
  t.same(logged, ['places-not-committed'])
})
