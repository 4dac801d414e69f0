import type { Test } from 'tap'
import type { Change, Condition } from '../../../storage/contract.ts'
import { type StateKey, stateKeys } from '../../../storage/state/rows.ts'
import {
  appendOf,
  batchOf,
  committedOffset,
  contractTest,
  type OpenEngine,
  refusal,
  type World
} from './world.ts'

const setting = (name: string, value: string): Change => ({
  op: 'put',
  row: { family: 'setting', row: { name, value } }
})

async function settingValue(world: World, name: string): Promise<string | undefined> {
  return (await world.engine.readState(stateKeys.setting(name), { settled: true }))?.row.value
}

async function versionOf(world: World, key: StateKey): Promise<number> {
  return (await world.engine.readState(key, { settled: true }))!.version
}

export function conditionTests(t: Test, open: OpenEngine): void {
  contractTest(
    t,
    open,
    'a condition that fails is named, and the commit changes nothing',
    async (t, world) => {
      const { id, queues } = await world.topic('t')
      await world.commit({ changes: [setting('there', '1')] })
      const holds: readonly Condition[] = [
        { is: 'present', key: stateKeys.setting('there') },
        { is: 'absent', key: stateKeys.setting('missing') },
        {
          is: 'version',
          key: stateKeys.setting('there'),
          version: await versionOf(world, stateKeys.setting('there'))
        },
        { is: 'topic', id }
      ]
      const fails: readonly Condition[] = [
        { is: 'present', key: stateKeys.setting('missing') },
        { is: 'absent', key: stateKeys.setting('there') },
        { is: 'version', key: stateKeys.setting('there'), version: -12345 },
        { is: 'version', key: stateKeys.setting('missing'), version: 1 },
        { is: 'topic', id: 'f'.repeat(32) }
      ]
      for (const [index, condition] of fails.entries()) {
        const before = index % (holds.length + 1)
        const conditions = [...holds.slice(0, before), condition, ...holds.slice(before)]
        const error = await refusal(
          world.engine.commit({
            conditions,
            appends: [appendOf(queues[0]!, batchOf(['lost']))],
            changes: [
              setting('there', 'lost'),
              setting('other', 'lost'),
              { op: 'create-topic', topic: world.newTopic('lost') }
            ]
          })
        )
        t.equal(error.code, 'condition-failed')
        t.equal(error.detail.condition, before)
      }
      t.equal((await world.engine.ends(queues[0]!)).highWatermark, 0)
      t.equal(await settingValue(world, 'there'), '1')
      t.equal(await settingValue(world, 'other'), undefined)
      t.equal(await world.engine.findTopic({ kafkaName: 'lost' }), undefined)
      await world.commit({ conditions: holds, changes: [setting('there', '2')] })
      t.equal(await settingValue(world, 'there'), '2')
    }
  )

  contractTest(
    t,
    open,
    'of many commits that want a key absent exactly one is done',
    async (t, world) => {
      const key = stateKeys.setting('lock')
      const tries = Array.from({ length: 40 }, (_, i) =>
        world.engine
          .commit({ conditions: [{ is: 'absent', key }], changes: [setting('lock', `${i}`)] })
          .then(
            () => i,
            () => undefined
          )
      )
      const won = (await Promise.all(tries)).filter((i) => i !== undefined)
      t.equal(won.length, 1)
      t.equal(await settingValue(world, 'lock'), `${won[0]}`)
    }
  )

  contractTest(t, open, 'a version says that nobody wrote the row since', async (t, world) => {
    const key = stateKeys.setting('count')
    await world.commit({ changes: [setting('count', '0')] })
    const version = await versionOf(world, key)
    const conditions: Condition[] = [{ is: 'version', key, version }]
    t.equal(await versionOf(world, key), version, 'reading changes nothing')
    await world.commit({ conditions, changes: [setting('count', '1')] })
    t.not(await versionOf(world, key), version)
    t.match(await refusal(world.engine.commit({ conditions, changes: [setting('count', '2')] })), {
      code: 'condition-failed'
    })
    const next = await versionOf(world, key)
    await world.commit({ changes: [setting('count', '1')] })
    t.not(await versionOf(world, key), next, 'the same value is a write too')
  })

  contractTest(
    t,
    open,
    'a row deleted and put again has another version, also after a restart',
    async (t, world) => {
      const key = stateKeys.setting('row')
      const seen = new Set<number>()
      for (let i = 0; i < 4; i++) {
        await world.commit({ changes: [setting('row', 'same')] })
        seen.add(await versionOf(world, key))
        await world.commit({ changes: [{ op: 'delete', key }] })
        t.equal(await settingValue(world, 'row'), undefined)
        if (i === 1) await world.under.reopen()
        if (i === 2) await world.under.crash()
      }
      t.equal(seen.size, 4)
    }
  )

  contractTest(
    t,
    open,
    'a version from before a restart is either good or fails, never wrong',
    async (t, world) => {
      const key = stateKeys.setting('row')
      await world.commit({ changes: [setting('row', 'old')] })
      const old = await versionOf(world, key)
      await world.commit({ changes: [setting('row', 'new')] })
      await world.under.reopen()
      const change = {
        conditions: [{ is: 'version', key, version: old } as const],
        changes: [setting('row', 'x')]
      }
      t.equal((await refusal(world.engine.commit(change))).code, 'condition-failed')
      t.equal(await settingValue(world, 'row'), 'new')
    }
  )

  contractTest(
    t,
    open,
    'conditions see the commits before them that are not durable yet',
    async (t, world) => {
      const key = stateKeys.setting('a')
      const first = world.engine.commit({ changes: [setting('a', '1')] })
      const second = world.engine.commit({
        conditions: [{ is: 'present', key }],
        changes: [{ op: 'delete', key }]
      })
      const third = world.engine.commit({
        conditions: [{ is: 'absent', key }],
        changes: [setting('a', '3')]
      })
      await Promise.all([first, second, third])
      t.equal(await settingValue(world, 'a'), '3')
    }
  )

  contractTest(
    t,
    open,
    'rows and keys may be bound to what the commit\u2019s appends get',
    async (t, world) => {
      const { id, queues } = await world.topic('t', 2)
      const [a, b] = [queues[0]!, queues[1]!]
      await world.append(b, batchOf(['x', 'y']))
      await world.commit({ changes: [setting('2', 'to be deleted'), setting('3', 'to stay')] })
      let calls = 0
      const result = await world.commit({
        appends: [appendOf(a, batchOf(['1'])), appendOf(b, batchOf(['2', '3']))],
        changes: [
          {
            op: 'put',
            row: (bound) => {
              calls++
              const last = bound.appends[1]!
              const row = committedOffset('g', id, last.baseOffset)
              const metadata = `${bound.appends.length} ${last.appendTimeMs === bound.appendTimeMs}`
              return {
                family: 'committed-offset',
                row: { ...row, metadata, commitTimeMs: bound.appendTimeMs }
              }
            }
          },
          { op: 'delete', key: (bound) => stateKeys.setting(`${bound.appends[1]!.baseOffset}`) }
        ]
      })
      t.equal(calls, 1)
      const stored = await world.engine.readState(stateKeys.committedOffset('g', id, 0))
      t.match(stored?.row, { offset: 2, metadata: '2 true', commitTimeMs: result.appendTimeMs })
      t.equal(await settingValue(world, '2'), undefined)
      t.equal(await settingValue(world, '3'), 'to stay')
    }
  )

  contractTest(
    t,
    open,
    'a commit is done whole or not at all, over a crash too',
    async (t, world) => {
      const { id, queues } = await world.topic('t', 2)
      for (let i = 0; i < 30; i++) {
        await world.engine.commit({
          appends: queues.map((queue) => appendOf(queue, batchOf([`${i}`]))),
          changes: [
            {
              op: 'put',
              row: (bound) => ({
                family: 'committed-offset',
                row: committedOffset('g', id, bound.appends[0]!.baseOffset + 1)
              })
            },
            setting(`s${i}`, `${i}`)
          ]
        })
      }
      await world.engine.settle()
      await world.under.crash()
      const wanted = Array.from({ length: 30 }, (_, i) => `${i}`)
      for (const queue of queues) t.same(await world.valuesOf(queue), wanted)
      t.equal((await world.engine.readState(stateKeys.committedOffset('g', id, 0)))?.row.offset, 30)
      t.equal((await world.engine.scanState('setting')).length, 30)
    }
  )

  contractTest(t, open, 'an empty commit is done, and costs nobody anything', async (t, world) => {
    const none = { length: 0 }
    t.match(await world.engine.commit({}), { appends: none, topics: none, producerIds: none })
    t.match(await world.engine.commit({ appends: [], changes: [], conditions: [] }), {
      appends: none
    })
  })
}
