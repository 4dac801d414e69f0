import t from 'tap'
import { stateKeys } from '../../../../storage/index.ts'
import { StoreRig } from '../store-rig.ts'

const [puts, gets, deletes, lists] = [100, 101, 102, 219]

t.test('texts by namespace and key are kept, told and deleted', async (t) => {
  const rig = await StoreRig.open(t)
  const peer = rig.namesrv.connect()
  const ask = (code: number, namespace: string, key = '', value = '') =>
    peer.ask(code, { fields: { namespace, key, value } })
  t.match(await ask(gets, 'x', 'y'), { code: 22, remark: 'No config item, Namespace: x Key: y' })
  t.match(await ask(lists, 'x'), { code: 22, remark: 'No config item, Namespace: x' })
  t.match(await ask(puts, 'a/b', 'c', '1'), { code: 0 })
  t.match(await ask(puts, 'a', 'b/c', '2'), { code: 0 })
  t.match(await ask(puts, 'a', 'ü', 'ö'), { code: 0 })
  t.match(await ask(gets, 'a/b', 'c'), { code: 0, fields: new Map([['value', '1']]) })
  t.match(await ask(gets, 'a', 'b/c'), { code: 0, fields: new Map([['value', '2']]) })
  t.match(await ask(puts, 'a', 'b/c', '3'), { code: 0 })
  t.equal((await ask(lists, 'a')).body.toString(), '{"table":{"b/c":"3","ü":"ö"}}')
  t.match(await ask(deletes, 'a', 'b/c'), { code: 0 })
  t.match(await ask(deletes, 'a', 'b/c'), { code: 0 }, 'gone already')
  t.match(await ask(gets, 'a', 'b/c'), { code: 22 })
  t.match(await ask(puts, 'a', 'k', 'x'.repeat(32_767)), { code: 13 }, 'too large')
  await ask(deletes, 'a', 'ü')
  t.equal((await ask(lists, 'a')).body.toString(), '{"table":{}}', 'as a real name server')
  const stored = await rig.store.readState(stateKeys.setting('rocketmq-kv/a%2Fb/c'))
  t.equal(stored?.row.value, '1', 'in the store, so that it outlives the server')
})

t.test('a topic whose queues are put in an order is one with an order', async (t) => {
  const rig = await StoreRig.open(t)
  await rig.addTopic('orders')
  const fields = { namespace: 'ORDER_TOPIC_CONFIG', key: 'orders', value: 'broker-a:2' }
  t.match(await rig.namesrv.connect().ask(puts, { fields }), { code: 0 })
  const { body } = await rig.broker.connect().ask(351, { fields: { topic: 'orders' } })
  t.equal(JSON.parse(body.toString()).order, true)
})
