// Flush mode async: what is written waits for an fsync no longer than it may.
import t, { type Test } from 'tap'
import type { StoreSettings } from '../../storage/settings.ts'
import { appendOf, batchOf, refusal, World } from './engine/world.ts'
import { onFaultyDisk, tinySettings } from './store-under-test.ts'

const asyncDelayMsMax = 50

/** A store with something written whose fsync, were it not held, would come after `asyncDelayMsMax`. */
async function withFirst(t: Test, more: Partial<StoreSettings> = {}) {
  const settings = { ...tinySettings, ...more, asyncDelayMsMax }
  const under = await onFaultyDisk({ flushMode: 'async', settings })(t)
  const world = new World(t, under)
  const queue = await world.queue()
  const append = (text: string) =>
    under.engine.commit({ appends: [appendOf(queue, batchOf([text]))] })
  await append('first')
  const before = under.engine.stats().fsyncs
  under.gate.hold()
  return { under, world, queue, append, fsyncs: () => under.engine.stats().fsyncs - before }
}

t.test('what is written while an fsync takes long is fsynced in its time', async (t) => {
  const { under, world, queue, append, fsyncs } = await withFirst(t)
  const { gate, clock } = under
  await clock.advance(asyncDelayMsMax)
  t.equal(gate.waiting, 1, 'the fsync of the first is under way')
  await append('second')
  await clock.advance(asyncDelayMsMax)
  gate.release()
  // Nobody asks for anything: an ask would bring the fsync forward.
  await clock.advance(10 * asyncDelayMsMax)
  t.equal(fsyncs(), 2, 'each had its own')
  await under.crash()
  t.same(await world.valuesOf(queue), ['first', 'second'])
})

t.test('what is written after an fsync began has its own time', async (t) => {
  const { under, append, fsyncs } = await withFirst(t)
  const { gate, clock } = under
  await clock.advance(asyncDelayMsMax)
  await append('second')
  gate.release()
  await clock.advance(asyncDelayMsMax - 1)
  t.equal(fsyncs(), 1)
  await clock.advance(1)
  t.equal(fsyncs(), 2)
})

t.test(
  'what waits for an fsync that fails, for more may not be unsynced, is refused',
  async (t) => {
    const asyncBytesMax = 8 * 1024
    const { under, append } = await withFirst(t, { asyncBytesMax })
    const { gate, clock, engine } = under
    await clock.advance(asyncDelayMsMax)
    const large = append('x'.repeat(2 * asyncBytesMax))
    const behind = append('behind')
    await clock.advance(0)
    t.equal(gate.waiting, 1)
    gate.release(Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }))
    const codes = (await Promise.all([large, behind].map(refusal))).map((one) => one.code)
    t.same(codes, ['io-failed', 'io-failed'])
    t.equal(engine.status().state, 'failed')
  }
)
