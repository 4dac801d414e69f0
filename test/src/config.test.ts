import { join } from 'node:path'
import t, { type Test } from 'tap'
import { defaultConfig } from '../../src/config.ts'
import { loadConfig } from '../../src/config-sources.ts'
import { UsageError } from '../../src/usage-error.ts'

function fileOf(t: Test, text: string): string {
  return join(t.testdir({ 'settings.json': text }), 'settings.json')
}

function refuses(
  t: Test,
  text: RegExp,
  options: Record<string, unknown>,
  environment: Record<string, string> = {}
) {
  return t.rejects(loadConfig(options, environment), { constructor: UsageError, message: text })
}

t.test('without anything given, every setting is at its default', async (t) => {
  const { config, sources } = await loadConfig({}, {})
  t.same(config, defaultConfig())
  t.same(new Set(Object.values(sources)), new Set(['default']))
})

t.test(
  'an option wins over the environment, it over the file, and that over the default',
  async (t) => {
    const settings = { 'kafka-port': 1, 'http-port': 1, 'broker-port': 1, flush: 'async' }
    const config = fileOf(t, JSON.stringify(settings))
    const environment = { ISTHMUS_KAFKA_PORT: '2', ISTHMUS_HTTP_PORT: '2' }
    const loaded = await loadConfig({ 'kafka-port': '3', config }, environment)
    t.equal(loaded.config.kafkaPort, 3)
    t.equal(loaded.sources.kafkaPort, 'option')
    t.equal(loaded.config.httpPort, 2)
    t.equal(loaded.sources.httpPort, 'environment')
    t.equal(loaded.config.brokerPort, 1)
    t.equal(loaded.config.flush, 'async')
    t.equal(loaded.sources.flush, 'file')
    t.equal(loaded.config.grpcPort, defaultConfig().grpcPort)
  }
)

t.test('the environment may name the file, and an option names another', async (t) => {
  const first = fileOf(t, '{ "host": "::1" }')
  t.equal((await loadConfig({}, { ISTHMUS_CONFIG: first })).config.host, '::1')
  await refuses(t, /none\.json/, { config: 'none.json' }, { ISTHMUS_CONFIG: first })
})

t.test(
  'a list is repeated as an option, separated by commas elsewhere, an array in a file',
  async (t) => {
    const two = ['a.example:1', 'broker=b.example:2']
    t.same((await loadConfig({ advertise: two }, {})).config.advertise, two)
    t.same((await loadConfig({ advertise: two[0] }, {})).config.advertise, [two[0]])
    const environment = { ISTHMUS_ADVERTISE: two.join(',') }
    t.same((await loadConfig({}, environment)).config.advertise, two)
    const config = fileOf(t, JSON.stringify({ advertise: two }))
    t.same((await loadConfig({ config }, {})).config.advertise, two)
    const many = new Array(65).fill('a.example')
    await refuses(t, /65 entries, at most 64/, { advertise: many })
    await refuses(t, /--advertise: .*listener 'pulsar'/, { advertise: 'pulsar=a.example' })
    await refuses(t, /same listener/, { advertise: ['a.example', 'b.example'] })
  }
)

t.test('a switch is true or false, in any source', async (t) => {
  t.equal((await loadConfig({ 'auto-create': 'false' }, {})).config.autoCreate, false)
  const environment = { ISTHMUS_AUTO_CREATE: 'true' }
  t.equal((await loadConfig({}, environment)).config.autoCreate, true)
  const config = fileOf(t, '{ "auto-create": false }')
  t.equal((await loadConfig({ config }, {})).config.autoCreate, false)
  await refuses(t, /"no" is not one of: true, false/, { 'auto-create': 'no' })
})

t.test('what is unknown or out of its limits is refused by name, in every source', async (t) => {
  const bad = fileOf(t, '{ "kafka-port": 70000 }')
  await refuses(t, /settings\.json: kafka-port: 70000 is not one of: 0 to 65535/, { config: bad })
  await refuses(t, /ISTHMUS_KAFKA_PORT: "x"/, {}, { ISTHMUS_KAFKA_PORT: 'x' })
  await refuses(t, /unknown setting ISTHMUS_KAFKAPORT/, {}, { ISTHMUS_KAFKAPORT: '1' })
  await refuses(t, /--data: ""/, { data: '' })
  await refuses(t, /--kafka-port: "1.5"/, { 'kafka-port': '1.5' })
  await refuses(t, /--kafka-port: "-1"/, { 'kafka-port': '-1' })
  await refuses(t, /--kafka-port: " 1"/, { 'kafka-port': ' 1' })
})

t.test('a file that is no object of settings is refused', async (t) => {
  for (const [text, reason] of [
    ['{ "fly": true }', /unknown setting fly/],
    ['{ "config": "other.json" }', /unknown setting config/],
    ['{ "data": ["a"] }', /data: given 1 times/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{', /not JSON/],
    [' '.repeat(1024 * 1024 + 1), /larger than 1048576 bytes/]
  ] as const) {
    await refuses(t, reason, { config: fileOf(t, text) })
  }
})

t.test('variables that Kubernetes adds for a service named like us are not settings', async (t) => {
  const links = {
    ISTHMUS_SERVICE_HOST: '10.0.0.1',
    ISTHMUS_SERVICE_PORT: '9092',
    ISTHMUS_SERVICE_PORT_KAFKA: '9092',
    ISTHMUS_PORT: 'tcp://10.0.0.1:9092',
    ISTHMUS_PORT_9092_TCP: 'tcp://10.0.0.1:9092',
    ISTHMUS_PORT_9092_TCP_PROTO: 'tcp',
    ISTHMUS_PORT_9092_TCP_PORT: '9092',
    ISTHMUS_PORT_9092_TCP_ADDR: '10.0.0.1',
    ISTHMUS_KAFKA_PORT: 'tcp://10.0.0.1:9092'
  }
  const { config } = await loadConfig({}, links)
  t.same(config, defaultConfig())
})
