/**
 * mounted - file systems in image files, mounted through loop devices with direct I/O.
 *
 * With direct I/O the image holds what reached the block layer and nothing from the page cache.
 * The images lie on an xfs of their own, where a reflink copies a file at one moment: a copy is
 * the disk at the moment of a power cut, not a mixture of several.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const KINDS = ['ext4', 'xfs', 'btrfs'] as const
export type Kind = (typeof KINDS)[number]

const SIZE = 512 * 1024 * 1024
const HOST_SIZE = 16 * SIZE

/** Runs a program of the system; its output. */
export async function system(...[program, ...words]: string[]): Promise<string> {
  const { stdout } = await execute(program!, words)
  return stdout.trim()
}

/** Why nothing can be mounted here, or false. */
export async function cannotMount(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root may mount'
  for (const tool of ['losetup', 'mount', 'setpriv', 'mkfs.xfs'])
    if (!(await has(tool))) return `${tool} is not installed (Debian: xfsprogs, util-linux)`
  return false
}

/** True when a program is installed. */
export function has(tool: string): Promise<boolean> {
  return system('sh', '-c', `command -v ${tool}`).then(
    () => true,
    () => false,
  )
}

export class Image {
  readonly path: string
  readonly mount: string
  readonly #kind: Kind
  #device: string | undefined

  /** An image at a path; it is mounted beside it. */
  constructor(path: string, kind: Kind) {
    this.path = path
    this.mount = `${path}.mounted`
    this.#kind = kind
  }

  /** Makes an empty file system. */
  async make(size = SIZE): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true })
    writeFileSync(this.path, '')
    truncateSync(this.path, size)
    await this.#attach()
    await system(`mkfs.${this.#kind}`, this.#kind === 'ext4' ? '-q' : '-f', this.#device!)
    await this.#detach()
  }

  /** Mounts it, which replays its journal. */
  async open(): Promise<void> {
    mkdirSync(this.mount, { recursive: true })
    await this.#attach()
    try {
      await system('mount', '-t', this.#kind, this.#device!, this.mount)
    } catch (error) {
      await this.#detach()
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#device === undefined) return
    await system('umount', this.mount)
    await this.#detach()
  }

  /** The image as it is now, on the same disk, as an image of its own. */
  async cut(name: string): Promise<Image> {
    const copy = new Image(join(dirname(this.path), name), this.#kind)
    await system('cp', '--reflink=always', this.path, copy.path)
    return copy
  }

  /** Always with the sectors that a file with a reflink needs: the copy must be like it. */
  async #attach(): Promise<void> {
    const how = ['--direct-io=on', '--sector-size', '4096', '--find', '--show']
    this.#device = await system('losetup', ...how, this.path)
  }

  async #detach(): Promise<void> {
    await system('losetup', '-d', this.#device!)
    this.#device = undefined
  }
}

/** The xfs on which images can be copied at one moment. */
export async function openHost(folder: string): Promise<Image> {
  const host = new Image(join(folder, 'host'), 'xfs')
  await host.make(HOST_SIZE)
  await host.open()
  return host
}
