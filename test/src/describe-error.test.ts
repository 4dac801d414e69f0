import t from 'tap'
import { describeError } from '../../src/describe-error.ts'

t.test('an error is told in one line, with what caused it', (t) => {
  const cause = new Error('the disk\n  is broken')
  t.equal(describeError(new Error('it failed', { cause })), 'it failed: the disk is broken')
  t.equal(describeError('nothing else'), 'nothing else')
  t.end()
})

t.test('a cause that says nothing more is left out, and what is behind it is not', (t) => {
  const deepest = new Error('EIO')
  const cause = new Error('/x: broken', { cause: deepest })
  const error = new Error('it cannot be opened: /x: broken', { cause })
  t.equal(describeError(error), 'it cannot be opened: /x: broken: EIO')
  t.end()
})
