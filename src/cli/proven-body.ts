/**
 * proven-body - the body of a message, where it is the one that was sealed.
 */
import { MsgqError } from '../base/errors.ts'
import type { Body } from '../message/body.ts'
import { shortId } from '../message/id.ts'
import type { Desk, Message } from '../queue/queue.ts'
import { absentError } from './ids.ts'
import { reading } from './reading.ts'

/** The body; throws for one that is gone (66), and for one that is not what was sealed (65). */
export async function provenBody(desk: Desk, { entry, defect }: Message): Promise<Body> {
  const { id } = entry
  const body = await reading(id, () => desk.body(id))
  if (body !== undefined) return body
  if ((await desk.get(id)) === undefined) throw absentError([id])
  throw new MsgqError(
    'data',
    `${id}: ${defect ?? 'its body is not the one sealed'}`,
    `msgq show ${shortId(id)} --raw prints what is there`,
  )
}
