import t from 'tap'
import { AddressMap, AdvertiseError, parseAdvertise } from '../../../gateway/broker/addresses.ts'

const dialled = { address: '::ffff:127.0.0.1', port: 9092 }

t.test('without rules clients are told what they dialled', async (t) => {
  const map = new AddressMap()
  t.same(map.endpointFor('kafka', dialled), { host: '127.0.0.1', port: 9092 })
  t.same(map.endpointFor('grpc', { address: '::1', port: 1 }), { host: '::1', port: 1 })
  t.same(map.endpointFor('kafka', { address: '10.1.2.3', port: 2 }), { host: '10.1.2.3', port: 2 })
})

t.test('an --advertise is parsed', async (t) => {
  t.same(parseAdvertise('example.org'), { host: 'example.org' })
  t.same(parseAdvertise('kafka=example.org:1234'), {
    role: 'kafka',
    host: 'example.org',
    port: 1234
  })
  t.same(parseAdvertise('broker=[2001:db8::1]:99@10.0.0.1'), {
    role: 'broker',
    host: '2001:db8::1',
    port: 99,
    localAddress: '10.0.0.1'
  })
  t.same(parseAdvertise('[::1]'), { host: '::1' })
  t.same(parseAdvertise('2001:db8::1'), { host: '2001:db8::1' }, 'bare IPv6 has no port')
  t.same(parseAdvertise('namesrv=my_host@[::1]'), {
    role: 'namesrv',
    host: 'my_host',
    localAddress: '::1'
  })
  t.same(parseAdvertise(' grpc=h:1@::ffff:10.0.0.1 ').localAddress, '10.0.0.1')
})

t.test('what makes no sense is refused with the reason', async (t) => {
  const refused: [text: string, reason: RegExp][] = [
    ['', /host is missing/],
    ['kafka=', /host is missing/],
    [':9092', /host is missing/],
    ['zookeeper=h', /no listener 'zookeeper'/],
    ['=h', /no listener ''/],
    ['0.0.0.0', /no client can connect/],
    ['kafka=[::]:9', /no client can connect/],
    ['[0:0:0:0:0:0:0:0]', /no client can connect/],
    ['h:0', /no port/],
    ['h:65536', /no port/],
    ['h:', /no port/],
    ['h:9x', /no port/],
    ['h:-1', /no port/],
    ['1.2.3', /neither a host name nor an IP/],
    ['a b', /neither a host name nor an IP/],
    ['-a.org', /neither a host name nor an IP/],
    ['[1.2.3.4]', /no IPv6 address/],
    ['[h]:1', /no IPv6 address/],
    ['a:b:c', /no port|brackets/],
    ['h@', /local address '' is no IP/],
    ['h@localhost', /local address 'localhost' is no IP/],
    ['h@0.0.0.0', /no connection is accepted/],
    ['h@1.2.3.4:5', /is no IP address/],
    ['h@1.2.3.4@5', /one @ only/]
  ]
  for (const [text, reason] of refused) {
    t.throws(() => parseAdvertise(text), reason, `'${text}'`)
    t.throws(() => parseAdvertise(text), AdvertiseError, `'${text}'`)
  }
})

t.test('the most specific rule decides', async (t) => {
  const map = new AddressMap(
    [
      'everywhere',
      'kafka=public:19092',
      'inside@10.0.0.1',
      'kafka=inside-kafka:9192@10.0.0.1',
      'grpc=only-host'
    ].map(parseAdvertise)
  )
  const from = (address: string, port: number) => ({ address, port })
  t.same(map.endpointFor('broker', from('1.1.1.1', 7)), { host: 'everywhere', port: 7 })
  t.same(map.endpointFor('kafka', from('1.1.1.1', 7)), { host: 'public', port: 19092 })
  t.same(map.endpointFor('grpc', from('1.1.1.1', 7)), { host: 'only-host', port: 7 })
  t.same(map.endpointFor('broker', from('10.0.0.1', 7)), { host: 'inside', port: 7 })
  t.same(map.endpointFor('kafka', from('::ffff:10.0.0.1', 7)), {
    host: 'inside-kafka',
    port: 9192
  })
})

t.test('IPv6 is compared whatever way it is written', async (t) => {
  const map = new AddressMap([parseAdvertise('six@2001:0DB8:0:0::1')])
  t.equal(map.endpointFor('kafka', { address: '2001:db8::1', port: 1 }).host, 'six')
})

t.test("a port without a listener is the Kafka listener's", async (t) => {
  const map = new AddressMap([parseAdvertise('host:1234')])
  t.same(map.endpointFor('kafka', dialled), { host: 'host', port: 1234 })
  t.same(map.endpointFor('broker', { address: '127.0.0.1', port: 10911 }), {
    host: 'host',
    port: 10911
  })
})

t.test('two rules for the same connections are refused', async (t) => {
  const rules = (...texts: string[]) => texts.map(parseAdvertise)
  t.throws(() => new AddressMap(rules('a', 'b')), /another one is for the same/)
  t.throws(() => new AddressMap(rules('kafka=a@::1', 'kafka=b@[::1]')), /another one/)
  t.doesNotThrow(() => new AddressMap(rules('a', 'kafka=b', 'c@::1', 'kafka=d@::1')))
  const many = Array.from({ length: 65 }, (_, i) => parseAdvertise(`h@10.0.0.${i}`))
  t.throws(() => new AddressMap(many), /at most 64/)
})
