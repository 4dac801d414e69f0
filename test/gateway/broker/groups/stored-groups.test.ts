import t from 'tap'
import { StoredGroups } from '../../../../gateway/broker/groups/stored-groups.ts'
import type { Commit } from '../../../../storage/contract.ts'
import { StoreError } from '../../../../storage/errors.ts'
import { FakeClock, settled } from '../../../support/fake-clock.ts'

/** An engine that keeps commits until they are answered. */
class HeldEngine {
  readonly waiting: { commit: Commit; resolve: () => void; reject: (error: Error) => void }[] = []

  commit(commit: Commit): Promise<never> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ commit, resolve: () => resolve(undefined as never), reject })
    })
  }

  scanState(): Promise<never[]> {
    return Promise.resolve([])
  }
}

function open(groupsMax = 10) {
  const engine = new HeldEngine()
  const due: number[] = []
  const groups = new StoredGroups({
    engine: engine as never,
    clock: new FakeClock(),
    log: () => {},
    groupsMax,
    due: (dueMs) => due.push(dueMs)
  })
  return { engine, groups }
}

function settingsIn(commit: Commit | undefined): unknown {
  const [change] = commit?.changes ?? []
  return change?.op === 'put' && typeof change.row !== 'function' && change.row.family === 'group'
    ? change.row.row.settings
    : undefined
}

t.test('settings are stored with the group, and the latest stay', async (t) => {
  const { engine, groups } = open()
  const first = groups.configure('g', { a: '1' })
  const second = groups.configure('g', { a: '2' })
  t.same(
    engine.waiting.map(({ commit }) => settingsIn(commit)),
    [{ a: '1' }, { a: '2' }]
  )
  engine.waiting[0]?.resolve()
  engine.waiting[1]?.resolve()
  await Promise.all([first, second])
  t.same(groups.get('g')?.row.settings, { a: '2' })
  await settled(1)
  t.same(settingsIn(engine.waiting.at(-1)?.commit), { a: '2' }, 'nothing older comes after it')
})

t.test('settings that could not be stored are not there', async (t) => {
  const { engine, groups } = open()
  const made = groups.configure('g', { a: '1' })
  engine.waiting[0]?.reject(new StoreError('disk-full', 'no room'))
  await t.rejects(made, { code: 'disk-full' })
  t.notOk(groups.has('g'), 'a group that was only to be made')
  const kept = groups.configure('g', { a: '1' })
  engine.waiting[1]?.resolve()
  await kept
  const changed = groups.configure('g', { a: '2' })
  engine.waiting[2]?.reject(new StoreError('disk-full', 'no room'))
  await t.rejects(changed, { code: 'disk-full' })
  t.same(groups.get('g')?.row.settings, { a: '1' })
})

t.test('no more groups are made than there may be', async (t) => {
  const { engine, groups } = open(1)
  const made = groups.configure('g', { a: '1' })
  engine.waiting[0]?.resolve()
  await made
  await t.rejects(groups.configure('h', { a: '1' }), { code: 'limit-reached' })
  t.notOk(groups.has('h'))
})
