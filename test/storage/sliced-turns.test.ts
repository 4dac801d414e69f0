import t from 'tap'
import { SlicedTurns } from '../../storage/sliced-turns.ts'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

t.test(
  'so many bytes are worked on in a turn, in the order asked, and others come between',
  async (t) => {
    const turns = new SlicedTurns(100)
    t.ok(turns.take(60))
    t.ok(turns.take(60), 'the last one may be larger than what is left')
    t.notOk(turns.take(1))
    const done: string[] = []
    for (const name of ['a', 'b', 'c', 'd', 'e']) turns.wait(50, () => done.push(name))
    t.notOk(turns.take(1), 'nobody goes before those in line')
    t.strictSame(done, [])
    await nextTurn()
    t.strictSame(done, ['a', 'b'], '20 bytes too many are missing in this turn')
    done.push('another')
    await nextTurn()
    t.strictSame(done.slice(2), ['another', 'c', 'd'])
    await nextTurn()
    t.strictSame(done.at(-1), 'e')
    t.ok(turns.take(50))
    t.notOk(turns.take(50))
  }
)

t.test('a piece larger than a turn takes the turns after it too', async (t) => {
  const turns = new SlicedTurns(100)
  t.ok(turns.take(350))
  let isDone = false
  turns.wait(10, () => {
    isDone = true
  })
  for (const left of [-150, -50]) {
    await nextTurn()
    t.notOk(isDone, `${left} left`)
  }
  await nextTurn()
  t.ok(isDone)
})

t.test('who is called may ask again, behind those who wait', async (t) => {
  const turns = new SlicedTurns(100)
  turns.take(100)
  const done: string[] = []
  turns.wait(100, () => {
    done.push('a')
    turns.wait(100, () => done.push('a again'))
  })
  turns.wait(100, () => done.push('b'))
  for (let count = 0; count < 3; count++) await nextTurn()
  t.strictSame(done, ['a', 'b', 'a again'])
})
