import { link, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { realFileSystem as disk } from '../../storage/file-system.ts'

async function folder(t: { teardown(done: () => unknown): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'isthmus-file-system-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

t.test('a vector longer than the system takes at once is written whole and in order', async (t) => {
  const path = join(await folder(t), 'a')
  const file = await disk.open(path, 'create')
  const buffers = Array.from({ length: 5000 }, (_, i) => Buffer.from(i % 7 === 0 ? '' : `${i},`))
  await file.writev(buffers, 3)
  t.same(await readFile(path), Buffer.concat([Buffer.alloc(3), ...buffers]))
  await file.writev([], 0)
  await file.writev(Array<Buffer>(3000).fill(Buffer.alloc(0)), 0)
  await file.writev([Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(0)], 0)
  t.equal((await readFile(path))[0], 0x78)
  await file.close()
})

t.test('what is written durably is all there, whatever its vector and its name', async (t) => {
  const path = join(await folder(t), 'a')
  const file = await disk.open(path, 'create')
  await file.writevDurable([Buffer.from('abc'), Buffer.alloc(0), Buffer.from('def')], 2)
  const many = Array.from({ length: 3000 }, (_, i) => Buffer.from(`${i},`))
  await file.writevDurable(many, 8)
  await file.writevDurable([Buffer.from('X')], 3)
  t.same(await readFile(path), Buffer.concat([Buffer.from('\0\0aXcdef'), ...many]))
  await file.close()
  const again = await disk.open(path, 'write')
  await disk.rename(path, `${path}.moved`)
  await writeFile(path, 'another')
  await again.writevDurable([Buffer.from('Y')], 0)
  t.equal((await readFile(`${path}.moved`))[0], 0x59, 'the file that was opened')
  t.equal(await readFile(path, 'latin1'), 'another')
  await again.close()
  const reader = await disk.open(path, 'read')
  await t.rejects(reader.writevDurable([Buffer.from('x')], 0), { code: 'EBADF' })
  await reader.close()
})

t.test('reads are short only at the end of the file', async (t) => {
  const path = join(await folder(t), 'a')
  await writeFile(path, 'hello world')
  const file = await disk.open(path, 'read')
  const target = Buffer.alloc(20, '.')
  t.equal(await file.read(target, 2, 5, 6), 5)
  t.equal(target.toString(), '..world.............')
  t.equal(await file.read(target, 0, 20, 6), 5)
  t.equal(await file.read(target, 0, 20, 11), 0)
  t.equal(await file.read(target, 0, 0, 0), 0)
  await t.rejects(file.writev([Buffer.from('x')], 0), { code: 'EBADF' })
  await file.close()
})

t.test('files are made once, opened, measured, cut and synced', async (t) => {
  const path = join(await folder(t), 'a')
  await t.rejects(disk.open(path, 'read'), { code: 'ENOENT' })
  await t.rejects(disk.open(path, 'write'), { code: 'ENOENT' })
  const file = await disk.open(path, 'create')
  await t.rejects(disk.open(path, 'create'), { code: 'EEXIST' })
  await file.writev([Buffer.from('abcdef')], 0)
  await file.truncate(3)
  t.equal(await file.size(), 3)
  await file.truncate(5)
  await file.datasync()
  await file.sync()
  await file.close()
  await file.close()
  const again = await disk.open(path, 'write')
  const target = Buffer.alloc(5)
  await again.read(target, 0, 5, 0)
  t.equal(target.toString('latin1'), 'abc\0\0')
  await again.close()
})

t.test('folders are made with their parents, listed, synced and told from nothing', async (t) => {
  const path = join(await folder(t), 'x', 'y')
  await t.rejects(disk.list(path), { code: 'ENOENT' })
  await disk.makeFolder(path)
  await disk.makeFolder(path)
  t.same(await disk.list(path), [])
  await (await disk.open(join(path, 'a'), 'create')).close()
  await link(join(path, 'a'), join(path, 'b'))
  t.equal(await disk.linkCount(join(path, 'a')), 2)
  await disk.rename(join(path, 'a'), join(path, 'c'))
  t.same((await disk.list(path)).sort(), ['b', 'c'])
  await disk.syncFolder(path)
  await disk.unlink(join(path, 'c'))
  t.equal(await disk.linkCount(join(path, 'b')), 1)
  await t.rejects(disk.unlink(join(path, 'c')), { code: 'ENOENT' })
  await t.rejects(disk.syncFolder(join(path, 'none')), { code: 'ENOENT' })
})

t.test('space is told in bytes', async (t) => {
  const { freeBytes, totalBytes } = await disk.space(await folder(t))
  t.ok(freeBytes > 0 && freeBytes <= totalBytes)
})
