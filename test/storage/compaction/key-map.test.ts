import fc from 'fast-check'
import t from 'tap'
import { KeyMap, slotBytes } from '../../../storage/compaction/key-map.ts'
import { seedOfRun } from '../../support/seeded-random.ts'

const key = (text: string) => Buffer.from(text)

t.test('the newest offset of a key stays, whatever the order', (t) => {
  const map = new KeyMap(10, 1 << 16)
  t.equal(map.get(1, key('a')), -1)
  for (const offset of [5, 9, 7, 0]) t.ok(map.put(1, key('a'), offset))
  t.ok(map.put(1, key(''), 0))
  t.equal(map.get(1, key('a')), 9)
  t.equal(map.get(1, key('')), 0)
  t.equal(map.get(2, key('a')), -1, 'keys are their queue\u2019s own')
  t.equal(map.count, 2)
  t.end()
})

t.test('a full map takes no more keys, and loses none', (t) => {
  const map = new KeyMap(1_000_000, slotBytes * 100)
  let taken = 0
  while (map.put(1, key(`${taken}`), taken)) taken++
  t.equal(taken, map.countMax)
  t.equal(taken, 75)
  for (let i = 0; i < taken; i++) t.equal(map.get(1, key(`${i}`)), i)
  t.equal(map.get(1, key(`${taken}`)), -1)
  t.ok(map.put(1, key('3'), 1000), 'a key that is there can be newer')
  t.equal(map.get(1, key('3')), 1000)
  t.end()
})

t.test('it is no larger than what is wanted', (t) => {
  const map = new KeyMap(100, 1 << 30)
  t.ok(map.countMax >= 100 && map.countMax < 200)
  for (let i = 0; i < 100; i++) t.ok(map.put(7, key(`${i}`), i))
  t.end()
})

t.test('large keys are told apart too', (t) => {
  const map = new KeyMap(10, 1 << 16)
  const large = (last: string) => key('x'.repeat(100_000) + last)
  map.put(1, large('a'), 1)
  map.put(1, large('b'), 2)
  t.equal(map.get(1, large('a')), 1)
  t.equal(map.get(1, large('b')), 2)
  t.end()
})

t.test('it says what a Map says', (t) => {
  const puts = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.string({ maxLength: 3 }), fc.nat(1000)),
    { maxLength: 200 }
  )
  fc.assert(
    fc.property(puts, fc.integer({ min: 2, max: 300 }), (all, slots) => {
      const map = new KeyMap(slots, slots * slotBytes)
      const model = new Map<string, number>()
      for (const [queue, text, offset] of all) {
        const name = `${queue} ${text}`
        const isRoom = model.has(name) || model.size < map.countMax
        if (map.put(queue, key(text), offset) !== isRoom) return false
        if (isRoom) model.set(name, Math.max(offset, model.get(name) ?? -1))
      }
      return all.every(
        ([queue, text]) => map.get(queue, key(text)) === (model.get(`${queue} ${text}`) ?? -1)
      )
    }),
    { seed: seedOfRun | 0, numRuns: 300 }
  )
  t.end()
})
