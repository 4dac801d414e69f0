import t from 'tap'
import {
  AttributeError,
  alterAttributes,
  groupAttributes,
  parseAttributeChanges,
  topicAttributes
} from '../../../gateway/rocketmq/topic-attributes.ts'

function altered(current: Record<string, string> | undefined, text: string) {
  const before = current === undefined ? undefined : new Map(Object.entries(current))
  return Object.fromEntries(alterAttributes(topicAttributes, before, parseAttributeChanges(text)))
}

t.test('attributes are added, changed and taken away', async (t) => {
  t.same(altered(undefined, ''), {})
  t.same(altered(undefined, '+message.type=FIFO,+queue.type=BatchCQ'), {
    'message.type': 'FIFO',
    'queue.type': 'BatchCQ'
  })
  t.same(altered({ 'message.type': 'FIFO' }, '+message.type=DELAY,+reserve.time=-1'), {
    'message.type': 'DELAY',
    'reserve.time': '-1'
  })
  t.same(altered({ 'message.type': 'FIFO', 'queue.type': 'SimpleCQ' }, '-message.type'), {
    'queue.type': 'SimpleCQ'
  })
})

t.test('what cannot be is refused in the words of a real broker', async (t) => {
  const present = { 'message.type': 'FIFO', 'reserve.time': '5' }
  const texts: readonly (readonly [string, string, isNew?: boolean])[] = [
    [
      '+message.type=NOPE',
      'value is not in set: [UNSPECIFIED, TRANSACTION, FIFO, MIXED, DELAY, NORMAL]'
    ],
    ['message.type=FIFO', 'add/alter attribute format is wrong: message.type'],
    ['x', 'delete attribute format is wrong: x'],
    ['+queue.type=BatchCQ', 'attempt to update an unchangeable attribute. key: queue.type'],
    ['+cleanup.policy=X', 'attempt to update an unchangeable attribute. key: cleanup.policy'],
    ['+reserve.time=-5', 'value is not in range(-1, 9223372036854775807)'],
    ['+reserve.time=9223372036854775808', 'value is not in range(-1, 9223372036854775807)'],
    ['+reserve.time=x', 'For input string: "x"'],
    ['+foo=bar', 'unsupported key: foo'],
    ['+constructor=bar', 'unsupported key: constructor'],
    ['+message.type=FIFO,+message.type=FIFO', 'key duplication: +message.type'],
    ['+message.type=FIFO,-message.type', 'alter duplication key. key: message.type'],
    ['-foo', 'attempt to delete a nonexistent key: foo'],
    ['+a-b=c', 'kv string format wrong.'],
    [
      '-message.type',
      'only add attribute is supported while creating topic. key: message.type',
      true
    ]
  ]
  for (const [text, message, isNew] of texts) {
    const current = isNew ? undefined : present
    t.throws(() => altered(current, text), new AttributeError(message), text)
  }
  t.throws(() => altered(present, '+message.type='), AttributeError)
  const any = new Map([['+message.type', 'FIFO']])
  const text = 'unsupported key: message.type'
  t.throws(() => alterAttributes(groupAttributes, undefined, any), new AttributeError(text))
})
