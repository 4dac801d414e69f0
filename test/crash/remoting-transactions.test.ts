import t from 'tap'
import { type Transaction, transactionFaults } from './remoting-transactions.ts'

const half = { offset: 0, place: 0n }
const all = new Map<string, Transaction>([
  ['committed', { outcome: 'commit', half, isEnded: true }],
  ['rolled back', { outcome: 'rollback', half, isEnded: true }],
  ['unanswered', { outcome: 'commit', isEnded: false }]
])

t.test('what was committed is there once, and nothing else', async (t) => {
  t.same(transactionFaults(all, ['committed']), [])
})

t.test('caught: lost, twice, rolled back, half, from nowhere', async (t) => {
  t.match(transactionFaults(all, []), [/committed was committed/])
  t.match(transactionFaults(all, ['committed', 'committed']), [/committed came twice/])
  t.match(transactionFaults(all, ['committed', 'rolled back']), [/rolled back/])
  t.match(transactionFaults(all, ['committed', 'unanswered']), [/nobody could end it/])
  t.match(transactionFaults(all, ['committed', 'other']), [/never sent/])
})
