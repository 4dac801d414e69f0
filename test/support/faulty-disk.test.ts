import t from 'tap'
import type { File } from '../../storage/ports.ts'
import { PowerLost } from './disk-faults.ts'
import { pageBytes, sectorBytes } from './disk-file.ts'
import { FaultyDisk } from './faulty-disk.ts'
import { SeededRandom, seededRandom } from './seeded-random.ts'

const runs = 400

function diskWith(random: SeededRandom, capacityBytes?: number): FaultyDisk {
  const disk = new FaultyDisk({ random, ...(capacityBytes ? { capacityBytes } : {}) })
  disk.addFolder('/d')
  return disk
}

/** A file of `text` that is on the disk, with its name. */
async function durableFile(disk: FaultyDisk, path: string, content: Buffer): Promise<File> {
  const file = await disk.open(path, 'create')
  await file.writev([content], 0)
  await file.datasync()
  await disk.syncFolder('/d')
  return file
}

async function contentOf(disk: FaultyDisk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0, bytes.length, 0)
  await file.close()
  return bytes
}

/** How often each outcome of `run` came up. */
async function outcomes(t: Tap, run: (disk: FaultyDisk, random: SeededRandom) => Promise<string>) {
  const random = seededRandom(t)
  const seen = new Map<string, number>()
  for (let i = 0; i < runs; i++) {
    const outcome = await run(diskWith(random), random)
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
  }
  return seen
}

type Tap = Parameters<typeof seededRandom>[0]

t.test('what was synced survives every power cut', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    const file = await durableFile(disk, '/d/a', Buffer.alloc(10_000, 'a'))
    await file.writev([Buffer.from('bb'), Buffer.from('b')], 9_999)
    await file.sync()
    const content = await contentOf(disk.powerCut(), '/d/a')
    return `${content.length} ${content.equals(Buffer.from(`${'a'.repeat(9_999)}bbb`))}`
  })
  t.same([...seen.keys()], ['10002 true'])
})

t.test('unsynced pages are each kept, dropped or torn at a sector, at any version', async (t) => {
  const letters = new Set<string>()
  let mixed = 0
  await outcomes(t, async (disk) => {
    const file = await durableFile(disk, '/d/a', Buffer.alloc(4 * pageBytes, 'o'))
    await file.writev([Buffer.alloc(2 * pageBytes, 'x')], 0)
    await file.writev([Buffer.alloc(2 * pageBytes, 'y')], 0)
    const content = await contentOf(disk.powerCut(), '/d/a')
    if (content.toString('latin1', 2 * pageBytes) !== 'o'.repeat(2 * pageBytes)) {
      t.fail('a page that was synced changed')
    }
    const pages = [0, pageBytes].map((at) => {
      const sectors = Array.from({ length: 8 }, (_, i) => {
        const sector = content.toString('latin1', at + i * sectorBytes, at + (i + 1) * sectorBytes)
        if (sector !== sector[0]!.repeat(sectorBytes)) t.fail('a sector is torn')
        return sector[0]!
      })
      return [...new Set(sectors)].sort().join('')
    })
    for (const page of pages) letters.add(page)
    if (pages[0] !== pages[1]) mixed++
    return ''
  })
  t.ok(mixed > 10, 'pages do not share one fate')
  for (const version of ['o', 'x', 'y']) t.ok(letters.has(version), version)
  t.ok([...letters].filter((page) => page.length > 1).length >= 2, 'torn ones')
})

t.test('an unsynced size is kept or lost, whatever became of the pages', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    const file = await durableFile(disk, '/d/a', Buffer.from('a'))
    await file.writev([Buffer.alloc(pageBytes, 'b')], pageBytes)
    const content = await contentOf(disk.powerCut(), '/d/a')
    const last = content.length === 1 ? '' : content.subarray(-sectorBytes).toString('latin1')
    return `${content.length} ${last[0] === '\0' ? 'zero' : (last[0] ?? '')}`
  })
  t.same([...seen.keys()].sort(), ['1 ', '8192 b', '8192 zero'])
})

t.test('an unsynced truncation may be undone, with what was written in its place', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    const file = await durableFile(disk, '/d/a', Buffer.alloc(3 * pageBytes, 'a'))
    await file.truncate(10)
    await file.writev([Buffer.alloc(pageBytes, 'b')], pageBytes)
    const content = await contentOf(disk.powerCut(), '/d/a')
    const at = (index: number) => String.fromCharCode(content[index] ?? 0x2d)
    return `${content.length} ${at(pageBytes)}${at(2 * pageBytes)}`
  })
  t.ok(seen.has('12288 aa'), 'undone')
  t.ok(seen.has('8192 b-'), 'done, and the page kept')
  t.ok(seen.has('8192 \0-'), 'done, and the page lost')
  t.ok(seen.has('10 --'), 'the size after the truncation alone')
  t.notOk([...seen.keys()].some((outcome) => outcome.startsWith('12288 b')))
})

t.test('names are lost, old or new until their folder is synced', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    await durableFile(disk, '/d/old', Buffer.from('old'))
    await disk.unlink('/d/old')
    const file = await disk.open('/d/tmp', 'create')
    await file.writev([Buffer.from('new')], 0)
    await file.sync()
    await disk.rename('/d/tmp', '/d/name')
    const after = disk.powerCut()
    return (await after.list('/d')).sort().join(' ')
  })
  const wanted = ['', 'name', 'name old', 'old', 'old tmp', 'tmp']
  t.same([...seen.keys()].sort(), wanted)
})

t.test('names are kept for sure after their folder was synced', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    await durableFile(disk, '/d/a', Buffer.from('1'))
    const file = await durableFile(disk, '/d/tmp', Buffer.from('2'))
    await disk.rename('/d/tmp', '/d/a')
    await disk.makeFolder('/d/e/f')
    await disk.syncFolder('/d')
    await file.close()
    const after = disk.powerCut()
    return `${(await after.list('/d')).sort()} ${await contentOf(after, '/d/a')}`
  })
  t.same([...seen.keys()], ['a,e 2'])
})

t.test('a process that dies leaves the page cache as it is, and its files closed', async (t) => {
  const disk = diskWith(seededRandom(t))
  const file = await disk.open('/d/a', 'create')
  await file.writev([Buffer.from('unsynced')], 0)
  const after = disk.processKill()
  await t.rejects(file.writev([Buffer.from('x')], 0), PowerLost)
  t.equal((await contentOf(after, '/d/a')).toString(), 'unsynced')
  t.equal(after.openFiles.size, 0)
  t.same(await disk.list('/d').catch((error) => error.code), 'POWER_LOST')
})

t.test('every call can be the one at which the power goes', async (t) => {
  const random = seededRandom(t)
  const halves = new Set<number>()
  for (let stop = 0; stop < 400; stop++) {
    const disk = diskWith(random)
    disk.stopAfter(stop % 6)
    let done = 0
    try {
      const file = await disk.open('/d/a', 'create')
      done++
      for (let i = 0; i < 10; i++) {
        await file.writev([Buffer.alloc(100, 'w')], i * 100)
        done++
      }
      t.fail('it never stopped')
    } catch (error) {
      t.ok(error instanceof PowerLost)
      t.equal(done, stop % 6, 'calls before it are whole')
    }
    await t.rejects(disk.space('/d'), PowerLost)
    const after = disk.processKill()
    if (stop % 6 === 3) halves.add((await contentOf(after, '/d/a')).length)
  }
  t.ok(halves.has(200) && halves.has(300), 'the stopped write is all or nothing')
  t.ok(halves.size > 5, 'or anything between')
})

t.test('calls fail where a test says so, once', async (t) => {
  const disk = diskWith(seededRandom(t))
  const file = await disk.open('/d/a', 'create')
  disk.failNext('writev', 'ENOSPC', /a$/, 1)
  disk.failNext('rename', 'EACCES')
  await file.writev([Buffer.alloc(10)], 0)
  await t.rejects(file.writev([Buffer.alloc(1000)], 10), { code: 'ENOSPC' })
  t.ok((await file.size()) < 1010)
  await file.writev([Buffer.alloc(1000)], 10)
  await t.rejects(disk.rename('/d/a', '/d/b'), { code: 'EACCES' })
  await disk.rename('/d/a', '/d/b')
})

t.test('writes that fail leave any part of their bytes', async (t) => {
  const disk = diskWith(seededRandom(t))
  disk.faults.writeFails = 1
  const parts = new Set<number>()
  for (let i = 0; i < 50; i++) {
    const file = await disk.open(`/d/${i}`, 'create')
    await t.rejects(file.writev([Buffer.alloc(500, 1), Buffer.alloc(500, 1)], 0), { code: 'EIO' })
    parts.add(await file.size())
  }
  t.ok(parts.size > 20)
})

t.test('after a failed fsync reads show what the disk may never have', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    const file = await durableFile(disk, '/d/a', Buffer.alloc(pageBytes, 'o'))
    await file.writev([Buffer.alloc(pageBytes, 'n')], 0)
    disk.faults.syncFails = 1
    await t.rejects(file.datasync(), { code: 'EIO' })
    disk.faults.syncFails = 0
    const shown = (await contentOf(disk, '/d/a')).toString('latin1', 0, 1)
    await file.datasync()
    return shown + (await contentOf(disk.powerCut(), '/d/a')).toString('latin1', 0, 1)
  })
  t.same([...seen.keys()].sort(), ['nn', 'no'])
})

t.test('a lying disk says synced and keeps nothing for sure', async (t) => {
  const seen = await outcomes(t, async (disk) => {
    disk.faults.syncLies = 1
    await durableFile(disk, '/d/a', Buffer.from('a'))
    return `${await disk.powerCut().list('/d')}`
  })
  t.same([...seen.keys()].sort(), ['', 'a'])
})

t.test('reads fail, or flip one bit that the next read has right', async (t) => {
  const disk = diskWith(seededRandom(t))
  const zeros = Buffer.alloc(100)
  const file = await durableFile(disk, '/d/a', zeros)
  disk.faults.readFlips = 1
  const bits = [...(await contentOf(disk, '/d/a'))].map((byte) => byte.toString(2)).join('')
  t.equal(bits.replaceAll('0', ''), '1')
  disk.faults.readFlips = 0
  t.same(await contentOf(disk, '/d/a'), zeros)
  disk.faults.readFails = 1
  await t.rejects(file.read(Buffer.alloc(9), 0, 9, 0), { code: 'EIO' })
})

t.test('a full disk takes what fits, says so, and has room again after an unlink', async (t) => {
  const disk = diskWith(seededRandom(t), 10 * pageBytes)
  const file = await disk.open('/d/a', 'create')
  await file.writev([Buffer.alloc(6 * pageBytes, 'a')], 0)
  t.same(await disk.space('/d'), { freeBytes: 4 * pageBytes, totalBytes: 10 * pageBytes })
  await t.rejects(file.writev([Buffer.alloc(5 * pageBytes)], 6 * pageBytes), { code: 'ENOSPC' })
  t.equal(await file.size(), 10 * pageBytes)
  await file.writev([Buffer.alloc(pageBytes, 'b')], 0)
  await disk.unlink('/d/a')
  t.equal((await disk.space('/d')).freeBytes, 0, 'an open file keeps its pages')
  await file.close()
  t.equal((await disk.space('/d')).freeBytes, 10 * pageBytes)
})

t.test('space is counted on after a power cut', async (t) => {
  const disk = diskWith(seededRandom(t), 10 * pageBytes)
  await durableFile(disk, '/d/a', Buffer.alloc(3 * pageBytes))
  t.equal((await disk.powerCut().space('/d')).freeBytes, 7 * pageBytes)
})

t.test('a hard link is the same file under two names, after a power cut too', async (t) => {
  const disk = diskWith(seededRandom(t))
  await durableFile(disk, '/d/a', Buffer.from('a'))
  await disk.link('/d/a', '/d/b')
  await disk.syncFolder('/d')
  t.equal(await disk.linkCount('/d/a'), 2)
  const after = disk.powerCut()
  t.equal(await after.linkCount('/d/b'), 2)
  const file = await after.open('/d/a', 'write')
  await file.writev([Buffer.from('c')], 0)
  t.equal((await contentOf(after, '/d/b')).toString(), 'c')
})

t.test('files behave as the real ones do', async (t) => {
  const disk = diskWith(seededRandom(t))
  await t.rejects(disk.open('/d/a', 'read'), { code: 'ENOENT' })
  await t.rejects(disk.open('/e/a', 'create'), { code: 'ENOENT' })
  const file = await disk.open('/d/a', 'create')
  await t.rejects(disk.open('/d/a', 'create'), { code: 'EEXIST' })
  await file.writev([Buffer.from('abcdef')], 2)
  await file.truncate(5)
  await file.truncate(7)
  t.same(await contentOf(disk, '/d/a'), Buffer.from('\0\0abc\0\0', 'latin1'))
  const target = Buffer.alloc(9, '.')
  t.equal(await file.read(target, 1, 8, 4), 3)
  t.equal(target.toString('latin1'), '.c\0\0.....')
  const reader = await disk.open('/d/a', 'read')
  await t.rejects(reader.writev([Buffer.from('x')], 0), { code: 'EBADF' })
  await reader.close()
  await reader.close()
  await t.rejects(reader.size(), { code: 'EBADF' })
  t.same(
    [...disk.openFiles].map(({ path }) => path),
    ['/d/a']
  )
})

t.test('the same seed gives the same disk', async (t) => {
  const run = async () => {
    const disk = diskWith(new SeededRandom(77))
    const file = await durableFile(disk, '/d/a', Buffer.alloc(20 * pageBytes, 'o'))
    await file.writev([Buffer.alloc(20 * pageBytes, 'n')], 0)
    return await contentOf(disk.powerCut(), '/d/a')
  }
  t.same(await run(), await run())
})
