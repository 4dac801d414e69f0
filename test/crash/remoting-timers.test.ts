import t from 'tap'
import { timerFaults } from './remoting-timers.ts'

const timers = new Map([
  ['a', { dueMs: 100, isAcknowledged: true }],
  ['b', { dueMs: 200, isAcknowledged: true }],
  ['unanswered', { dueMs: 300, isAcknowledged: false }]
])
const a = { name: 'a', storedMs: 100 }
const b = { name: 'b', storedMs: 250 }

t.test('timers that came once and not too early are right, whatever was unanswered', async (t) => {
  t.same(timerFaults(timers, [a, b]), [])
  t.same(timerFaults(timers, [b, a, { name: 'unanswered', storedMs: 300 }]), [])
})

t.test('caught: lost, early, twice, from nowhere', async (t) => {
  t.match(timerFaults(timers, [a]), [/b was acknowledged and never came/])
  t.match(timerFaults(timers, [a, { ...b, storedMs: 199 }]), [/b came 1 ms early/])
  t.match(timerFaults(timers, [a, b, b]), [/b came twice/])
  t.match(timerFaults(timers, [a, b, { name: 'c', storedMs: 1 }]), [/c was never sent/])
})
