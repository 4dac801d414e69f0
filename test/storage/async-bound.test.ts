// Flush mode async: what is written waits for an fsync no longer than it may.
import t from 'tap'
import { appendOf, batchOf, World } from './engine/world.ts'
import { onFaultyDisk, tinySettings } from './store-under-test.ts'

const asyncDelayMsMax = 50

t.test('what is written while an fsync takes long is fsynced in its time', async (t) => {
  const settings = { ...tinySettings, asyncDelayMsMax }
  const under = await onFaultyDisk({ flushMode: 'async', settings })(t)
  const { gate, clock } = under
  const world = new World(t, under)
  const queue = await world.queue()
  const append = (text: string) =>
    under.engine.commit({ appends: [appendOf(queue, batchOf([text]))] })
  await append('first')
  const { fsyncs } = under.engine.stats()
  gate.hold()
  await clock.advance(asyncDelayMsMax)
  t.equal(gate.waiting, 1, 'the fsync of the first is under way')
  await append('second')
  await clock.advance(asyncDelayMsMax)
  gate.release()
  // Nobody asks for anything: an ask would bring the fsync forward.
  await clock.advance(10 * asyncDelayMsMax)
  t.equal(under.engine.stats().fsyncs, fsyncs + 2, 'each had its own')
  await under.crash()
  t.same(await world.valuesOf(queue), ['first', 'second'])
})

t.test('what is written after an fsync began has its own time', async (t) => {
  const settings = { ...tinySettings, asyncDelayMsMax }
  const under = await onFaultyDisk({ flushMode: 'async', settings })(t)
  const { gate, clock } = under
  const world = new World(t, under)
  const queue = await world.queue()
  const append = (text: string) =>
    under.engine.commit({ appends: [appendOf(queue, batchOf([text]))] })
  await append('first')
  gate.hold()
  await clock.advance(asyncDelayMsMax)
  await append('second')
  gate.release()
  await clock.advance(asyncDelayMsMax - 1)
  const { fsyncs } = under.engine.stats()
  await clock.advance(1)
  t.equal(under.engine.stats().fsyncs, fsyncs + 1)
})
