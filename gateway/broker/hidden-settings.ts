/**
 * Settings of a topic that RocketMQ's tools made and Kafka's neither see nor change: kept among the topic's own, under
 * names that no setting of Kafka has.
 */

type Settings = Readonly<Record<string, string>>

const prefix = 'rocketmq.'

/** Those that Kafka's tools see. */
export function visibleSettings(config: Settings): Record<string, string> {
  return pick(config, (name) => (name.startsWith(prefix) ? undefined : name))
}

/** The others, by their own names. */
export function hiddenSettings(config: Settings): Record<string, string> {
  return pick(config, (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined))
}

/** One of the others. */
export function hiddenSetting(config: Settings, name: string): string | undefined {
  return config[prefix + name]
}

/** Both as they are kept. */
export function withHidden(visible: Settings, hidden: Settings): Record<string, string> {
  const config = { ...visible }
  for (const [name, value] of Object.entries(hidden)) config[prefix + name] = value
  return config
}

function pick(config: Settings, rename: (name: string) => string | undefined) {
  const picked: Record<string, string> = {}
  for (const [name, value] of Object.entries(config)) {
    const kept = rename(name)
    if (kept !== undefined) picked[kept] = value
  }
  return picked
}
