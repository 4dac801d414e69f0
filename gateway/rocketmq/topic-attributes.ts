/**
 * Attributes of topics and groups, and changing them as RocketMQ's tools ask for it: `+name=value,-name` (AttributeParser,
 * AttributeUtil, TopicAttributes). The texts of errors are a real broker's.
 */

/** A change that cannot be. `message` is for the client. */
export class AttributeError extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'AttributeError'
  }
}

interface AttributeRule {
  /** False: given when the topic is made, or never. */
  readonly isChangeable: boolean
  /** Why the value cannot be; undefined if it can. */
  readonly fault: (value: string) => string | undefined
}

export type AttributeRules = Readonly<Record<string, AttributeRule>>

export const messageTypeAttribute = 'message.type'
export const cleanupPolicyAttribute = 'cleanup.policy'

export const topicAttributes: AttributeRules = {
  [messageTypeAttribute]: {
    isChangeable: true,
    fault: oneOf(['UNSPECIFIED', 'TRANSACTION', 'FIFO', 'MIXED', 'DELAY', 'NORMAL'])
  },
  'queue.type': { isChangeable: false, fault: oneOf(['BatchCQ', 'SimpleCQ']) },
  [cleanupPolicyAttribute]: { isChangeable: false, fault: oneOf(['COMPACTION', 'DELETE']) },
  'reserve.time': { isChangeable: true, fault: withinLongs(-1n) }
}

/** Groups have none (SubscriptionGroupAttributes). */
export const groupAttributes: AttributeRules = {}

/** Each with its sign. Throws AttributeError. */
export function parseAttributeChanges(text: string): Map<string, string> {
  const changes = new Map<string, string>()
  for (const one of text === '' ? [] : text.replace(/,+$/, '').split(',')) {
    const end = one.indexOf('=')
    const key = end < 0 ? one : one.slice(0, end)
    const value = end < 0 ? '' : (one.slice(end + 1).split('=')[0] ?? '')
    const sign = end < 0 ? '-' : '+'
    if (!key.includes(sign)) {
      const verb = end < 0 ? 'delete' : 'add/alter'
      throw new AttributeError(`${verb} attribute format is wrong: ${key}`)
    }
    if (end >= 0 && value === '') throw new AttributeError(`the attribute ${key} has no value`)
    if (changes.has(key)) throw new AttributeError(`key duplication: ${key}`)
    changes.set(key, value)
  }
  return changes
}

/** The attributes after the changes; `current` is undefined for what is being made. Throws AttributeError. */
export function alterAttributes(
  rules: AttributeRules,
  current: ReadonlyMap<string, string> | undefined,
  changes: ReadonlyMap<string, string>
): ReadonlyMap<string, string> {
  const altered = new Map(current)
  const seen = new Set<string>()
  for (const [signed, value] of changes) {
    const name = signed.slice(1)
    if (!/^[^+-]+$/.test(name)) throw new AttributeError('kv string format wrong.')
    if (seen.has(name)) throw new AttributeError(`alter duplication key. key: ${name}`)
    seen.add(name)
    const isAdded = signed.startsWith('+')
    checkChange(signed, name, current)
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) throw new AttributeError(`unsupported key: ${name}`)
    if (current !== undefined && !rule.isChangeable) {
      throw new AttributeError(`attempt to update an unchangeable attribute. key: ${name}`)
    }
    const fault = isAdded ? rule.fault(value) : undefined
    if (fault !== undefined) throw new AttributeError(fault)
    if (isAdded) altered.set(name, value)
    else altered.delete(name)
  }
  return altered
}

function checkChange(
  signed: string,
  name: string,
  current: ReadonlyMap<string, string> | undefined
): void {
  if (signed.startsWith('+')) return
  if (current === undefined) {
    const text = `only add attribute is supported while creating topic. key: ${name}`
    throw new AttributeError(text)
  }
  if (!signed.startsWith('-')) throw new AttributeError(`wrong format key: ${name}`)
  if (!current.has(name)) {
    throw new AttributeError(`attempt to delete a nonexistent key: ${name}`)
  }
}

function oneOf(values: readonly string[]): AttributeRule['fault'] {
  return (value) =>
    values.includes(value) ? undefined : `value is not in set: [${values.join(', ')}]`
}

function withinLongs(least: bigint): AttributeRule['fault'] {
  const most = 2n ** 63n - 1n
  return (value) => {
    if (!/^[+-]?\d{1,19}$/.test(value)) return `For input string: "${value}"`
    const number = BigInt(value.replace('+', ''))
    return number >= least && number <= most
      ? undefined
      : `value is not in range(${least}, ${most})`
  }
}
