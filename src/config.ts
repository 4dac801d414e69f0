/** Every setting of the server, in one table: name, default, limits and a line of documentation. */
import { tcpLimitTable } from '../gateway/tcp/index.ts'
import type { IntegerSetting, Section, Setting, ValueOf } from './setting.ts'

/** No port is fixed: the system picks a free one. */
export const anyPort = 0

function port(standard: number, doc: string) {
  return {
    kind: 'integer',
    default: standard,
    min: anyPort,
    max: 65535,
    unit: 'port',
    section: 'Where',
    doc: `${doc}; 0 picks a free one`
  } as const
}

/** A limit as the part that keeps it declares it. */
interface Limit {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly doc: string
}

/** Offers a part's own table of limits; their units are the ends of their names. */
function limits<Table extends Readonly<Record<string, Limit>>>(table: Table, section: Section) {
  const entries = Object.entries(table).map(([name, { default: standard, min, max, doc }]) => {
    const unit = /Ms(Max)?$/.test(name) ? 'ms' : /Bytes(Max|Min)?$/.test(name) ? 'bytes' : 'count'
    const setting: IntegerSetting = {
      kind: 'integer',
      default: standard,
      min,
      max,
      unit,
      section,
      doc: doc.replace(/\.$/, '')
    }
    return [name, setting]
  })
  return Object.fromEntries(entries) as { readonly [Name in keyof Table]: IntegerSetting }
}

/** By the name that code uses; `optionName` and `environmentName` give the other spellings. */
export const settings = {
  data: {
    kind: 'text',
    default: './isthmus-data',
    max: 4096,
    section: 'Where',
    doc: 'Folder of the store; made if it is not there'
  },
  host: {
    kind: 'text',
    default: '127.0.0.1',
    max: 255,
    section: 'Where',
    doc: 'Address that every listener binds to; 0.0.0.0 or :: for all'
  },
  kafkaPort: port(9092, 'Port for Kafka clients'),
  namesrvPort: port(9876, 'Port for RocketMQ name server look-ups'),
  brokerPort: port(10911, 'Port for RocketMQ remoting clients'),
  grpcPort: port(8081, 'Port for RocketMQ gRPC clients'),
  httpPort: port(8088, 'Port for /healthz and /metrics'),
  advertise: {
    kind: 'list',
    default: [],
    max: 64,
    entryMax: 512,
    form: '[kafka|namesrv|broker|grpc=]HOST[:PORT][@LOCAL-ADDRESS]',
    refuse: () => undefined,
    section: 'Where',
    doc: 'Address to tell clients instead of the one they dialled; repeatable'
  },
  flush: {
    kind: 'choice',
    default: 'sync',
    choices: ['sync', 'async'],
    section: 'Durability and storage',
    doc: 'When a producer gets its ack: sync after the fsync, async after the write'
  },
  ...limits(tcpLimitTable, 'Connections'),
  logLevel: {
    kind: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    section: 'Log',
    doc: 'The least severe log lines that are written; single requests only at debug'
  }
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

/** A value for every setting. */
export type Config = { readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> }

export const settingNames = Object.keys(settings) as readonly SettingName[]

/** Listeners whose ports can be set already and that this version does not have. */
export const absentListeners = ['namesrvPort', 'brokerPort', 'grpcPort'] as const

/** Every setting at its default. */
export function defaultConfig(): Config {
  const entries = settingNames.map((name) => [name, settings[name].default])
  return Object.fromEntries(entries) as unknown as Config
}
