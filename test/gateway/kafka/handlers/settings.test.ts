import t, { type Test } from 'tap'
import {
  alterConfigsRequest,
  alterConfigsResponse
} from '../../../../gateway/kafka/schemas/alter-configs.ts'
import {
  describeConfigsRequest,
  describeConfigsResponse
} from '../../../../gateway/kafka/schemas/describe-configs.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse
} from '../../../../gateway/kafka/schemas/incremental-alter-configs.ts'
import { type AskerOptions, nodeId, startAsker, versionsOf } from '../../../support/kafka-asker.ts'

const ofTopic = 2
const ofBroker = 4
const operations = { set: 0, delete: 1, append: 2, subtract: 3 }
type Operation = keyof typeof operations
type Edit = readonly [operation: Operation, name: string, value: string | null]

function start(t: Test, options?: AskerOptions) {
  const asker = startAsker(t, options)
  const { ask, store } = asker
  const describe = async (
    resourceType: number,
    resourceName: string,
    configurationKeys: readonly string[] | null = null,
    rest = {},
    version = 4
  ) => {
    const resources = [{ resourceType, resourceName, configurationKeys }]
    const body = { resources, ...rest }
    const answer = await ask(describeConfigsRequest, describeConfigsResponse, version, body)
    const [result] = answer.results
    if (result === undefined) throw new Error('no result')
    const byName = new Map(result.configs.map((config) => [config.name, config]))
    return { ...result, byName }
  }
  const resourceOf = (resourceName: string, edits: readonly Edit[], resourceType = ofTopic) => ({
    resourceType,
    resourceName,
    configs: edits.map(([operation, name, value]) => ({
      name,
      configOperation: operations[operation],
      value
    }))
  })
  const edit = async (name: string, edits: readonly Edit[], rest = {}, version = 1) => {
    const body = { resources: [resourceOf(name, edits)], validateOnly: false, ...rest }
    const answer = await ask(
      incrementalAlterConfigsRequest,
      incrementalAlterConfigsResponse,
      version,
      body
    )
    return answer.responses.map((response) => response.errorCode)
  }
  const configOf = async (name: string) => (await store.findTopic({ kafkaName: name }))?.config
  return { ...asker, describe, edit, resourceOf, configOf }
}

t.test("every version of DescribeConfigs tells a topic's settings", async (t) => {
  for (const version of versionsOf(describeConfigsRequest)) {
    const { describe, add } = start(t)
    add('topic', { config: { 'retention.ms': '5' } })
    const all = { includeSynonyms: true, includeDocumentation: true }
    const told = await describe(ofTopic, 'topic', null, all, version)
    t.match(told, { errorCode: 0, errorMessage: '', resourceType: ofTopic, resourceName: 'topic' })
    t.ok(told.configs.length > 30)
    t.match(told.byName.get('retention.ms'), {
      value: '5',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
      synonyms: [
        { name: 'retention.ms', value: '5', source: 1 },
        { name: 'log.retention.ms', value: '604800000', source: 5 }
      ],
      configType: version < 3 ? 0 : 5
    })
    t.match(told.byName.get('cleanup.policy'), { value: 'delete', configSource: 5 })
    const types = ['preallocate', 'compression.type', 'max.message.bytes', 'cleanup.policy'].map(
      (name) => told.byName.get(name)?.configType
    )
    t.same(types, version < 3 ? [0, 0, 0, 0] : [1, 2, 3, 7])
    const documentation = told.byName.get('retention.ms')?.documentation ?? ''
    t.equal(documentation.length > 10, version >= 3)
  }
})

t.test('what is not asked for is not told', async (t) => {
  const { describe, add } = start(t)
  add('topic')
  const bare = await describe(ofTopic, 'topic')
  t.ok(bare.configs.every((config) => config.synonyms.length === 0))
  t.ok(bare.configs.every((config) => config.documentation === null))
  const some = await describe(ofTopic, 'topic', ['flush.ms', 'no.such.setting'])
  t.same([...some.byName.keys()], ['flush.ms'])
  t.equal((await describe(ofTopic, 'topic', [])).configs.length, bare.configs.length)
})

t.test('the broker tells what tools read of it, all read-only', async (t) => {
  const options = {
    policy: { defaultQueueCount: 6, autoCreate: false },
    serverValues: { 'message.max.bytes': '2000' },
    advertise: ['public.example:19092'],
    localAddress: '::1'
  }
  const { describe, add } = start(t, options)
  const { byName, configs } = await describe(ofBroker, `${nodeId}`, null, { includeSynonyms: true })
  t.ok(configs.every((config) => config.readOnly))
  t.equal(byName.size, configs.length, 'no name twice')
  const expected: [name: string, value: string, source: number][] = [
    ['num.partitions', '6', 4],
    ['auto.create.topics.enable', 'false', 4],
    ['message.max.bytes', '2000', 4],
    ['log.retention.ms', '604800000', 5],
    ['default.replication.factor', '1', 5],
    ['node.id', `${nodeId}`, 4],
    ['broker.id', `${nodeId}`, 4],
    ['listeners', 'PLAINTEXT://[::1]:9092', 4],
    ['advertised.listeners', 'PLAINTEXT://public.example:19092', 4],
    ['delete.topic.enable', 'true', 5],
    ['group.min.session.timeout.ms', '6000', 4],
    ['offset.metadata.max.bytes', '4096', 5]
  ]
  for (const [name, value, source] of expected) {
    t.match(byName.get(name), { value, configSource: source }, name)
    t.match(byName.get(name)?.synonyms[0], { name, value, source }, name)
  }
  add('topic')
  const topic = await describe(ofTopic, 'topic', ['max.message.bytes'], { includeSynonyms: true })
  t.match(topic.configs, [
    {
      value: '2000',
      configSource: 4,
      synonyms: [
        { name: 'message.max.bytes', value: '2000', source: 4 },
        { name: 'message.max.bytes', value: '1048588', source: 5 }
      ]
    }
  ])
  t.same((await describe(ofBroker, '')).configs, [], 'nothing was set for all brokers')
})

t.test('resources that are not there are refused, others have no settings', async (t) => {
  const { describe, add } = start(t)
  add('rmq.sys', { system: true })
  const code = async (type: number, name: string) => (await describe(type, name)).errorCode
  t.equal(await code(ofTopic, 'never'), 3)
  t.equal(await code(ofTopic, 'rmq.sys'), 3)
  t.equal(await code(ofTopic, 'a b'), 17)
  t.equal(await code(ofTopic, ''), 17)
  t.equal(await code(ofBroker, `${nodeId + 1}`), 42)
  t.equal(await code(ofBroker, 'x'), 42)
  t.equal(await code(1, 'x'), 42)
  for (const type of [8, 16, 32]) {
    t.match(await describe(type, 'x'), { errorCode: 0, configs: { length: 0 } })
  }
  t.match(await describe(ofTopic, 'never'), { errorMessage: /never/, configs: { length: 0 } })
})

t.test('every version of IncrementalAlterConfigs changes settings', async (t) => {
  for (const version of versionsOf(incrementalAlterConfigsRequest)) {
    const { edit, add, configOf } = start(t)
    add('topic', { config: { 'flush.ms': '1', 'segment.ms': '2' } })
    const edits: Edit[] = [
      ['set', 'retention.ms', ' 7 '],
      ['delete', 'flush.ms', null],
      ['append', 'cleanup.policy', 'compact']
    ]
    t.same(await edit('topic', edits, {}, version), [0])
    t.same(await configOf('topic'), {
      'segment.ms': '2',
      'retention.ms': '7',
      'cleanup.policy': 'delete,compact'
    })
  }
})

t.test('lists are appended to and subtracted from what is in force', async (t) => {
  const { edit, add, configOf } = start(t)
  add('topic')
  const policy = async () => (await configOf('topic'))?.['cleanup.policy']
  t.same(await edit('topic', [['append', 'cleanup.policy', 'delete, compact']]), [0])
  t.equal(await policy(), 'delete,compact', 'what is there is not there twice')
  t.same(await edit('topic', [['subtract', 'cleanup.policy', 'delete,nothing']]), [0])
  t.equal(await policy(), 'compact')
  t.same(await edit('topic', [['subtract', 'cleanup.policy', 'compact']]), [0])
  t.equal(await policy(), '')
  t.same(await edit('topic', [['append', 'cleanup.policy', 'shrink']]), [40])
  t.same(await edit('topic', [['append', 'retention.ms', '5']]), [40])
  t.same(await edit('topic', [['subtract', 'no.such.setting', '5']]), [40])
})

t.test('of a resource all changes are made or none', async (t) => {
  const { ask, edit, resourceOf, add, configOf } = start(t)
  add('topic', { config: { 'flush.ms': '1' } })
  add('other')
  add('rmq.sys', { system: true })
  const good: Edit = ['set', 'retention.ms', '7']
  t.same(await edit('topic', [good, ['set', 'flush.ms', 'x']]), [40])
  t.same(await edit('topic', [good, ['set', 'no.such.setting', '1']]), [40])
  t.same(await edit('topic', [good, ['set', 'flush.ms', null]]), [42])
  t.same(await edit('topic', [good, ['append', 'cleanup.policy', null]]), [42])
  t.same(await edit('topic', [good, ['delete', 'retention.ms', null]]), [42], 'named twice')
  t.same(await edit('never', [good]), [3])
  t.same(await edit('rmq.sys', [good]), [3])
  t.same(await edit('a b', [good]), [17])
  t.same(await edit('topic', [good], { validateOnly: true }), [0])
  const topic = resourceOf('topic', [good])
  t.same(await edit('', [], { resources: [topic, topic] }), [42, 42])
  t.same(await edit('', [], { resources: [resourceOf(`${nodeId}`, [good], ofBroker)] }), [42])
  t.same(await edit('', [], { resources: [resourceOf('x', [good], 5)] }), [42])
  const odd = { name: 'flush.ms', configOperation: 9, value: '1' }
  t.same(await edit('', [], { resources: [{ ...topic, configs: [odd] }] }), [42])
  t.same(await configOf('topic'), { 'flush.ms': '1' }, 'nothing was changed')

  const resources = [resourceOf('topic', [['set', 'flush.ms', 'x']]), resourceOf('other', [good])]
  const answer = await ask(incrementalAlterConfigsRequest, incrementalAlterConfigsResponse, 1, {
    resources,
    validateOnly: false
  })
  t.match(answer.responses, [
    { errorCode: 40, errorMessage: /flush\.ms/, resourceType: ofTopic, resourceName: 'topic' },
    { errorCode: 0, errorMessage: null, resourceType: ofTopic, resourceName: 'other' }
  ])
  t.same(await configOf('other'), { 'retention.ms': '7' }, 'each resource for itself')
  t.same(await edit('topic', [['delete', 'no.such.setting', null]]), [0])
  t.same(await edit('topic', [['set', 'message.format.version', '2.8']]), [0])
  t.same(await edit('topic', []), [0])
  t.same(await configOf('topic'), { 'flush.ms': '1' })
})

t.test('every version of AlterConfigs replaces all settings of a topic', async (t) => {
  for (const version of versionsOf(alterConfigsRequest)) {
    const { ask, add, configOf } = start(t)
    add('topic', { config: { 'flush.ms': '1' } })
    const setting = (name: string, value: string | null) => ({ name, value })
    const alter = async (
      resourceName: string,
      configs: { name: string; value: string | null }[],
      validateOnly = false,
      resourceType = ofTopic
    ) => {
      const resource = { resourceType, resourceName, configs }
      const body = { resources: [resource], validateOnly }
      const answer = await ask(alterConfigsRequest, alterConfigsResponse, version, body)
      return answer.responses[0]?.errorCode
    }
    const good = setting('retention.ms', '7')
    t.equal(await alter('topic', [good], true), 0)
    t.equal(await alter('topic', [good, setting('segment.ms', 'x')]), 40)
    t.equal(await alter('topic', [setting('segment.ms', null)]), 42)
    t.equal(await alter('topic', [good, good]), 42)
    t.equal(await alter('never', [good]), 3)
    t.equal(await alter(`${nodeId}`, [good], false, ofBroker), 42)
    t.same(await configOf('topic'), { 'flush.ms': '1' })
    t.equal(await alter('topic', [good]), 0)
    t.same(await configOf('topic'), { 'retention.ms': '7' })
    t.equal(await alter('topic', []), 0)
    t.same(await configOf('topic'), {})
  }
})
