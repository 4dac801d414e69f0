import t from 'tap'
import { CommitLine } from '../../storage/commit-line.ts'
import type { Pending } from '../../storage/sealed-group.ts'

const commit = (weight: number) => ({ weight }) as Pending
const own = (weight: number) =>
  ({ weight, upkeep: { dropSegments: [], roll: false } }) as Pending & {
    upkeep: object
  }
const weightsOf = (line: CommitLine) => {
  const { commits, from } = line.view()
  return commits.slice(from).map(({ weight }) => weight)
}

t.test('commits are taken as they came, what the store does by itself before them', async (t) => {
  const line = new CommitLine()
  for (const weight of [1, 2, 3]) line.push(commit(weight))
  line.take(1)
  let hasCome = false
  const comes = line.ownComes().then(() => (hasCome = true))
  line.push(commit(4))
  await Promise.resolve()
  t.equal(hasCome, false)
  line.push(own(10))
  line.push(own(11))
  await comes
  line.push(commit(5))
  t.same(weightsOf(line), [10, 11, 2, 3, 4, 5])
  t.equal(line.first?.weight, 10)
  t.equal(line.bytes, 36, 'those taken count until their group is done')
  line.take(3)
  line.putBack([own(11), commit(2)])
  t.same(weightsOf(line), [11, 2, 3, 4, 5])
  t.same(
    line.takeAll().map(({ weight }) => weight),
    [11, 2, 3, 4, 5]
  )
  t.equal(line.length, 0)
})

t.test('a long line that is taken bit by bit does not keep what was taken', async (t) => {
  const line = new CommitLine()
  for (let i = 0; i < 10_000; i++) line.push(commit(i))
  for (let i = 0; i < 5; i++) line.take(1000)
  t.ok(line.view().commits.length < 6000)
  t.equal(line.first?.weight, 5000)
  t.equal(line.length, 5000)
})
