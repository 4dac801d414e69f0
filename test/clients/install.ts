import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RocketmqClient } from './rocketmq/driver.ts'

export type RocketmqVersion = '5.3.3' | '4.9.8'

const run = promisify(execFile)

/** The sources of the drivers: this file's folder in the repository, not in dist. */
export const sources = fileURLToPath(new URL('../../../test/clients', import.meta.url))

/** Where clients are installed: kept between runs, outside the repository. */
export const cache = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'isthmus-test-clients'
)

const installTimeoutMs = 15 * 60_000
const outputBytesMax = 16 * 1024 * 1024

async function program(name: string, words: readonly string[], folder = cache): Promise<string> {
  const { stdout } = await run(name, words, {
    cwd: folder,
    timeout: installTimeoutMs,
    maxBuffer: outputBytesMax
  })
  return stdout
}

/** What was made from other inputs is kept that long after it was used last. */
const unusedMsMax = 7 * 24 * 60 * 60_000

/**
 * Makes a folder of `cache` with `make(folder)` unless it was made from the same inputs before; working trees with other
 * inputs have theirs beside it. A half-made folder is never taken for a whole one: it is renamed when it is done.
 */
async function madeOnce(
  name: string,
  inputs: readonly string[],
  make: (folder: string) => Promise<void>
): Promise<string> {
  const hash = createHash('sha256')
  for (const file of inputs) hash.update(await readFile(file))
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`)
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true })
    const fresh = await mkdtemp(`${folder}.new-`)
    await make(fresh)
    // Another run may have been quicker.
    await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }))
  }
  await utimes(folder, new Date(), new Date())
  await removeUnused(name)
  return folder
}

async function removeUnused(name: string): Promise<void> {
  for (const other of await readdir(cache)) {
    if (!other.startsWith(`${name}-`)) continue
    const { mtimeMs } = await stat(join(cache, other))
    if (Date.now() - mtimeMs < unusedMsMax) continue
    await rm(join(cache, other), { recursive: true, force: true })
  }
}

/** Copies the jars that a pom names, with what they need, to `folder`/jars. */
async function copyJars(pom: string, folder: string): Promise<void> {
  const goal = 'dependency:copy-dependencies'
  const to = `-DoutputDirectory=${join(folder, 'jars')}`
  await program('mvn', ['-q', '-B', '-f', pom, goal, '-DincludeScope=runtime', to])
}

/** The Java driver compiled against one version of kafka-clients; returns its class path. */
export async function installJava(version: '3.9' | '4.1'): Promise<string> {
  const pom = join(sources, 'java', `pom-${version}.xml`)
  const source = join(sources, 'java', 'Driver.java')
  const folder = await madeOnce(`java-${version}`, [pom, source], async (folder) => {
    await copyJars(pom, folder)
    const classes = join(folder, 'classes')
    await mkdir(classes)
    await program('javac', ['-nowarn', '-cp', join(folder, 'jars', '*'), '-d', classes, source])
  })
  return `${join(folder, 'classes')}:${join(folder, 'jars', '*')}`
}

const jvmWords = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** A RocketMQ client gives up on a connection, and what else waits on it, after 3 s: too soon on a busy machine. */
const patience = ['connect.timeout=30000', 'closeSocketIfTimeout=false'].map(
  (property) => `-Dcom.rocketmq.remoting.client.${property}`
)

/** The Java files of a folder, in order; none if it does not exist. */
async function javaFiles(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return []
  const names = (await readdir(folder)).filter((name) => name.endsWith('.java'))
  return names.sort().map((name) => join(folder, name))
}

/**
 * The driver compiled against one version of RocketMQ's client: rocketmq/java/*.java, and those that only this version
 * can compile, rocketmq/java/VERSION/*.java. The client writes logs and offsets to a home of its own.
 */
export async function installRocketmq(version: RocketmqVersion): Promise<RocketmqClient> {
  const java = join(sources, 'rocketmq', 'java')
  const pom = join(java, `pom-${version}.xml`)
  const files = [...(await javaFiles(java)), ...(await javaFiles(join(java, version)))]
  const jars = await madeOnce(`rocketmq-jars-${version}`, [pom], (folder) => copyJars(pom, folder))
  const jarPath = join(jars, 'jars', '*')
  const folder = await madeOnce(`rocketmq-${version}`, [pom, ...files], async (folder) => {
    await program('javac', ['-nowarn', '-cp', jarPath, '-d', join(folder, 'classes'), ...files])
  })
  const home = `-Duser.home=${join(folder, 'home')}`
  const classPath = `${join(folder, 'classes')}:${jarPath}`
  const words = [...jvmWords, ...patience, home, '-cp', classPath, 'Driver']
  return { language: 'java', version, program: 'java', words, folder }
}

/** RocketMQ's Go client and its driver, rocketmq/go/driver. */
export async function installRocketmqGo(): Promise<RocketmqClient> {
  const go = join(sources, 'rocketmq', 'go')
  const names = (await readdir(join(go, 'driver'))).sort()
  const files = [join(go, 'go.mod'), join(go, 'go.sum')]
  for (const name of names) files.push(join(go, 'driver', name))
  const folder = await madeOnce('rocketmq-go', files, async (folder) => {
    await program('go', ['build', '-o', join(folder, 'driver'), './driver'], go)
  })
  const version = /rocketmq-client-go\/v2 v(\S+)/.exec(
    await readFile(join(go, 'go.mod'), 'utf8')
  )?.[1]
  if (version === undefined) throw new Error('go.mod names no client')
  return { language: 'go', version, program: join(folder, 'driver'), words: [], folder }
}

/** The class path of a whole RocketMQ, client included. */
export async function installRocketmqServer(): Promise<string> {
  const pom = fileURLToPath(new URL('../../../bench/rocketmq/pom.xml', import.meta.url))
  const folder = await madeOnce('rocketmq-server', [pom], (folder) => copyJars(pom, folder))
  return join(folder, 'jars', '*')
}

/** The folder of the Java examples, and the class path that they are run with. */
export async function installExamples(): Promise<{ folder: string; jars: string }> {
  const folder = fileURLToPath(new URL('../../../examples/java', import.meta.url))
  const pom = join(folder, 'pom.xml')
  const made = await madeOnce('examples', [pom], (made) => copyJars(pom, made))
  return { folder, jars: join(made, 'jars', '*') }
}

/** Apache Kafka's own command-line tools; returns their class path. */
export async function installApacheTools(): Promise<string> {
  const pom = join(sources, 'apache-tools', 'pom.xml')
  const folder = await madeOnce('apache-tools', [pom], (folder) => copyJars(pom, folder))
  return join(folder, 'jars', '*')
}

/** The Go drivers; returns the folder of their programs. */
export async function installGo(): Promise<string> {
  const go = join(sources, 'go')
  const files = ['go.mod', 'go.sum', 'wire/wire.go', 'franz-go/main.go', 'sarama/main.go']
  return await madeOnce(
    'go',
    files.map((file) => join(go, file)),
    async (folder) => {
      await program('go', ['build', '-o', `${folder}/`, './franz-go', './sarama'], go)
    }
  )
}

/** A virtual environment with the Python clients; returns its interpreter. */
export async function installPython(): Promise<string> {
  const requirements = join(sources, 'python', 'requirements.txt')
  // A virtual environment does not survive being renamed whole, so what is pinned lives in a folder of its own.
  const folder = await madeOnce('python', [requirements], async (folder) => {
    const target = join(folder, 'packages')
    await makeVenv(join(folder, 'venv'))
    const pip = ['-m', 'pip', 'install', '-q', '--target', target, '-r', requirements]
    await program(join(folder, 'venv', 'bin', 'python'), pip)
  })
  return join(folder, 'packages')
}

/** Debian keeps what venv needs in a package of its own. */
async function makeVenv(folder: string): Promise<void> {
  try {
    await program('python3', ['-m', 'venv', folder])
  } catch {
    await installPackage('python3-venv')
    await program('python3', ['-m', 'venv', '--clear', folder])
  }
}

async function installPackage(name: string): Promise<void> {
  await program('apt-get', ['update', '-qq'])
  await program('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name])
}

/** kcat from the system's packages, installed if it is not there and this may be done; returns its version. */
export async function installKcat(): Promise<string> {
  await mkdir(cache, { recursive: true })
  if (!(await kcatVersion())) await installPackage('kcat')
  const version = await kcatVersion()
  if (!version) throw new Error('kcat is not there and could not be installed')
  return version
}

/** The first line of `kcat -V` that has a version, or undefined if there is no kcat. */
export async function kcatVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await run('kcat', ['-V'])
    return stdout.split('\n').find((line) => line.includes('librdkafka'))
  } catch {
    return undefined
  }
}
