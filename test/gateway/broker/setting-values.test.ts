import t from 'tap'
import {
  checkSetting,
  checkTopicConfig,
  SettingError
} from '../../../gateway/broker/setting-values.ts'
import { topicSettingRules } from '../../../gateway/broker/topic-config.ts'

t.test('every default is a value that its setting takes, spelled as it is kept', async (t) => {
  for (const [name, rule] of Object.entries(topicSettingRules)) {
    t.equal(checkSetting(name, rule.defaultValue, rule), rule.defaultValue, name)
    t.match(rule.documentation, /\.$/, `${name} is explained`)
  }
})

t.test('values are kept as Kafka prints them', async (t) => {
  const spelled: [name: string, given: string, kept: string][] = [
    ['retention.ms', ' +60000 ', '60000'],
    ['retention.ms', '-1', '-1'],
    ['retention.bytes', '9223372036854775807', '9223372036854775807'],
    ['preallocate', 'TRUE', 'true'],
    ['cleanup.policy', 'compact, delete', 'compact,delete'],
    ['min.cleanable.dirty.ratio', '1', '1.0'],
    ['min.cleanable.dirty.ratio', '.25', '0.25'],
    ['compression.type', 'zstd', 'zstd'],
    ['message.timestamp.type', 'LogAppendTime', 'LogAppendTime'],
    ['leader.replication.throttled.replicas', '0:1, 12:1', '0:1,12:1'],
    ['follower.replication.throttled.replicas', '*', '*'],
    ['max.message.bytes', '007', '7']
  ]
  for (const [name, given, kept] of spelled) {
    t.same(checkTopicConfig({ [name]: given }), { [name]: kept }, `${name}=${given}`)
  }
})

t.test('what a setting does not take is refused by name', async (t) => {
  const refused: [name: string, value: string][] = [
    ['retention.ms', 'soon'],
    ['retention.ms', ''],
    ['retention.ms', '1.5'],
    ['retention.ms', '-2'],
    ['retention.ms', '9223372036854775808'],
    ['retention.ms', '1e3'],
    ['segment.bytes', '200'],
    ['segment.bytes', '2147483648'],
    ['max.message.bytes', '-1'],
    ['compression.gzip.level', '10'],
    ['min.insync.replicas', '0'],
    ['min.cleanable.dirty.ratio', '1.01'],
    ['min.cleanable.dirty.ratio', 'NaN'],
    ['min.cleanable.dirty.ratio', ''],
    ['preallocate', 'yes'],
    ['cleanup.policy', 'shrink'],
    ['cleanup.policy', 'delete,shrink'],
    ['compression.type', 'ZSTD'],
    ['message.timestamp.type', 'createtime'],
    ['leader.replication.throttled.replicas', '0-1'],
    ['leader.replication.throttled.replicas', '*,0:1'],
    ['cleanup.policy', 'compact,'.repeat(5000)]
  ]
  for (const [name, value] of refused) {
    const check = () => checkTopicConfig({ 'flush.ms': '1', [name]: value })
    t.throws(check, new RegExp(name.replaceAll('.', '\\.')), `${name}=${value.slice(0, 30)}`)
    t.throws(check, SettingError)
  }
  t.throws(() => checkTopicConfig({ 'no.such.setting': '1' }), /no\.such\.setting/)
  t.throws(() => checkTopicConfig({ toString: '1' }), SettingError)
  t.throws(() => checkTopicConfig({ 'retention.ms': null }), /[Nn]ull/)
})

t.test('settings that contradict each other are refused', async (t) => {
  const lags = { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '9' }
  t.throws(() => checkTopicConfig(lags), /min\.compaction\.lag\.ms/)
  t.doesNotThrow(() => checkTopicConfig({ ...lags, 'max.compaction.lag.ms': '10' }))
})

t.test('settings that Kafka once had are dropped, whatever their value', async (t) => {
  const old = {
    'message.format.version': '2.8-IV1',
    'message.downconversion.enable': 'true',
    'message.timestamp.difference.max.ms': '5',
    'retention.ms': '1'
  }
  t.same(checkTopicConfig(old), { 'retention.ms': '1' })
})
