/**
 * small-disk - a file system of its own, as large as a test can fill: an image on a loop device.
 *
 * Only root may mount. Whatever the test does, the disk is unmounted and the image removed.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MIB = 1024 * 1024
const SIZE = 24 * MIB

/** Why no disk can be mounted here, or false. */
export function cannotMount(): string | false {
  if (process.getuid?.() !== 0) return 'only root may mount a small disk'
  for (const tool of ['mkfs.ext4', 'losetup', 'mount'])
    if (spawnSync(tool, ['--version']).error !== undefined) return `${tool} is missing`
  const { status, stderr } = spawnSync('losetup', ['--find'], { encoding: 'utf8' })
  if (status !== 0) return `no loop device: ${stderr.trim()}`
  // Root in a container may not mount either.
  const below = mkdtempSync(join(tmpdir(), 'msgq-'))
  try {
    SmallDisk.mount(below).unmount()
    return false
  } catch (error) {
    return `cannot mount: ${error instanceof Error ? error.message.trim() : String(error)}`
  } finally {
    rmSync(below, { recursive: true, force: true })
  }
}

/** A mounted disk. */
export class SmallDisk {
  /** Where it is mounted. */
  readonly root: string
  readonly #folder: string
  #fillers = 0

  private constructor(folder: string) {
    this.#folder = folder
    this.root = join(folder, 'disk')
  }

  /** Makes and mounts a disk below a folder. */
  static mount(below: string): SmallDisk {
    mkdirSync(below, { recursive: true })
    const disk = new SmallDisk(mkdtempSync(join(below, 'disk-')))
    const image = join(disk.#folder, 'image')
    writeFileSync(image, '')
    truncateSync(image, SIZE)
    mkdirSync(disk.root)
    run('mkfs.ext4', '-q', '-F', '-m', '0', '-N', '512', image)
    run('mount', '-o', 'loop', image, disk.root)
    return disk
  }

  /** Fills it but for so many bytes, or to the last block. */
  fill(free = 0): void {
    if (free > 0) {
      const { bavail, bsize } = statfsSync(this.root)
      this.#write(bavail * bsize - free)
      return
    }
    untilFull(() => this.#write(MIB))
    // What is reserved for writes to come is free again once they are done.
    untilFull(() => this.#write(1))
  }

  /** Uses up all inodes. */
  fillInodes(): void {
    untilFull(() => writeFileSync(this.#filler(), '', { flag: 'wx' }))
  }

  /** Gives back all that was filled. */
  empty(): void {
    rmSync(join(this.root, 'fill'), { recursive: true, force: true })
  }

  unmount(): void {
    run('umount', '--lazy', this.root)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #write(bytes: number): void {
    const fd = openSync(this.#filler(), 'w')
    try {
      const chunk = Buffer.alloc(MIB, 1)
      for (let left = bytes; left > 0;)
        left -= writeSync(fd, chunk, 0, Math.min(left, chunk.length))
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }

  #filler(): string {
    mkdirSync(join(this.root, 'fill'), { recursive: true })
    return join(this.root, 'fill', String(this.#fillers++))
  }
}

function untilFull(act: () => void): void {
  try {
    for (;;) act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

function run(command: string, ...words: string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' })
  if (status !== 0) throw error ?? new Error(`${command}: ${stderr}`)
}
