import type { Test } from 'tap'
import type { QueueUid, WaitRequest, WaitResult } from '../../../storage/contract.ts'
import { settled } from '../../support/fake-clock.ts'
import { appendOf, batchOf, contractTest, type OpenEngine, refusal, type World } from './world.ts'

interface Held {
  /** Undefined while it waits. */
  result: WaitResult | undefined
  readonly done: Promise<WaitResult>
}

async function held(
  world: World,
  queues: readonly (readonly [QueueUid, number])[],
  more: Partial<WaitRequest> = {}
): Promise<Held> {
  const request: WaitRequest = {
    queues: queues.map(([queue, offset]) => ({ queue, offset })),
    minBytes: 1,
    maxWaitMs: 1000,
    isolation: 'uncommitted',
    ...more
  }
  const done = world.engine.waitForData(request)
  const held: Held = { result: undefined, done }
  done.then(
    (result) => {
      held.result = result
    },
    () => {}
  )
  await settled()
  return held
}

export function waitTests(t: Test, open: OpenEngine): void {
  contractTest(t, open, 'a wait ends at once where the data is there already', async (t, world) => {
    const queue = await world.queue()
    await world.append(queue, batchOf(['a', 'b']))
    await world.append(queue, batchOf(['c']))
    for (let round = 0; round < 2; round++) {
      t.equal(await (await held(world, [[queue, 0]])).done, 'ready')
      t.equal(await (await held(world, [[queue, 2]])).done, 'ready')
      await world.under.reopen()
    }
    t.equal(world.engine.stats().waiters, 0)
  })

  contractTest(
    t,
    open,
    'a wait ends when data comes, for the queues it named alone',
    async (t, world) => {
      const { queues } = await world.topic('t', 3)
      const wait = await held(world, [
        [queues[0]!, 0],
        [queues[1]!, 0]
      ])
      await world.append(queues[2]!, batchOf(['elsewhere']))
      await settled()
      t.equal(wait.result, undefined)
      t.equal(world.engine.stats().waiters, 1)
      await world.append(queues[1]!, batchOf(['here']))
      t.equal(await wait.done, 'ready')
      t.equal((await world.readOne({ queue: queues[1]! })).nextOffset, 1, 'and it can be read')
      t.equal(world.engine.stats().waiters, 0)
      t.equal(world.clock.monotonicMs(), 0)
    }
  )

  contractTest(
    t,
    open,
    'a wait asks for its bytes over all its queues together',
    async (t, world) => {
      const { queues } = await world.topic('t', 2)
      const one = batchOf(['abc']).bytes.length
      await world.append(queues[0]!, batchOf(['abc']))
      const wait = await held(
        world,
        [
          [queues[0]!, 0],
          [queues[1]!, 0]
        ],
        { minBytes: 3 * one }
      )
      t.equal(wait.result, undefined, 'what was there counts, and is too little')
      await world.append(queues[1]!, batchOf(['abc']))
      await settled()
      t.equal(wait.result, undefined)
      await world.append(queues[1]!, batchOf(['abc']))
      t.equal(await wait.done, 'ready')
    }
  )

  contractTest(t, open, 'data before the offset does not count', async (t, world) => {
    const queue = await world.queue()
    const one = batchOf(['abc']).bytes.length
    for (let i = 0; i < 5; i++) await world.append(queue, batchOf(['abc']))
    const wait = await held(world, [[queue, 4]], { minBytes: one + 1 })
    t.equal(wait.result, undefined)
    await world.append(queue, batchOf(['abc']))
    t.equal(await wait.done, 'ready')
  })

  contractTest(t, open, 'a wait ends after its time, not before', async (t, world) => {
    const queue = await world.queue()
    const wait = await held(world, [[queue, 0]], { maxWaitMs: 500 })
    const long = await held(world, [[queue, 0]], { maxWaitMs: 2 ** 31 - 1 })
    await world.clock.advance(499)
    t.equal(wait.result, undefined)
    await world.clock.advance(1)
    t.equal(wait.result, 'timeout')
    t.equal(long.result, undefined)
    t.equal(world.engine.stats().waiters, 1)
    await world.append(queue, batchOf(['a']))
    t.equal(await long.done, 'ready')
    t.equal(world.engine.stats().waiters, 0)
  })

  contractTest(t, open, 'a wait of 0 ms does not wait', async (t, world) => {
    const queue = await world.queue()
    t.equal((await held(world, [[queue, 0]], { maxWaitMs: 0 })).result, 'timeout')
    await world.append(queue, batchOf(['a']))
    t.equal(await (await held(world, [[queue, 0]], { maxWaitMs: 0 })).done, 'ready')
  })

  contractTest(t, open, 'a queue that goes ends the wait', async (t, world) => {
    const topic = await world.topic('goes')
    const stays = await world.queue('stays')
    const wait = await held(world, [
      [stays, 0],
      [topic.queues[0]!, 0]
    ])
    await world.commit({ changes: [{ op: 'delete-topic', id: topic.id }] })
    t.equal(await wait.done, 'changed')
    t.equal(
      await (
        await held(world, [
          [stays, 0],
          [topic.queues[0]!, 0]
        ])
      ).done,
      'changed'
    )
    t.equal(world.engine.stats().waiters, 0)
  })

  contractTest(
    t,
    open,
    'a log start ends a wait only when it passes the offset',
    async (t, world) => {
      const queue = await world.queue()
      for (let i = 0; i < 5; i++) await world.append(queue, batchOf(['a']))
      const start = (offset: number) => ({
        changes: [{ op: 'put', row: { family: 'log-start', row: { queue, offset } } } as const]
      })
      const behind = await held(world, [[queue, 4]], { minBytes: 10_000 })
      const ahead = await held(world, [[queue, 5]], { minBytes: 10_000 })
      await world.commit(start(3))
      await settled()
      t.same([behind.result, ahead.result], [undefined, undefined])
      await world.commit(start(5))
      t.equal(await behind.done, 'changed')
      await settled()
      t.equal(ahead.result, undefined)
      await world.clock.advance(1000)
      t.equal(ahead.result, 'timeout')
    }
  )

  contractTest(t, open, 'a signal cancels a wait', async (t, world) => {
    const queue = await world.queue()
    const abort = new AbortController()
    const wait = await held(world, [[queue, 0]], { signal: abort.signal })
    t.equal(world.engine.stats().waiters, 1)
    abort.abort()
    t.equal((await refusal(wait.done)).code, 'cancelled')
    t.equal(world.engine.stats().waiters, 0)
    t.equal(
      (await refusal((await held(world, [[queue, 0]], { signal: abort.signal })).done)).code,
      'cancelled'
    )
    await world.append(queue, batchOf(['a']))
    t.equal(world.clock.timers >= 0, true)
  })

  contractTest(
    t,
    open,
    'one append wakes all that wait for it, and each once',
    async (t, world) => {
      const queue = await world.queue()
      const waits = await Promise.all(Array.from({ length: 50 }, () => held(world, [[queue, 0]])))
      await world.commit({
        appends: [appendOf(queue, batchOf(['a'])), appendOf(queue, batchOf(['b']))]
      })
      t.same(await Promise.all(waits.map(({ done }) => done)), Array(50).fill('ready'))
      t.equal(world.engine.stats().waiters, 0)
    }
  )

  contractTest(t, open, 'a close lets nobody wait on', async (t, world) => {
    const queue = await world.queue()
    const wait = await held(world, [[queue, 0]])
    const ended = refusal(wait.done)
    await world.under.reopen()
    t.equal((await ended).code, 'closed')
  })
}
