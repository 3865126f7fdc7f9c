/**
 * all - every preset, by the type of a destination.
 */
import { datadog } from './datadog.ts'
import { discord } from './discord.ts'
import { gotify } from './gotify.ts'
import { msgq } from './msgq.ts'
import { ntfy } from './ntfy.ts'
import { pagerduty } from './pagerduty.ts'
import type { Preset } from './preset.ts'
import { slack } from './slack.ts'
import { splunkHec } from './splunk-hec.ts'
import { teams } from './teams.ts'
import { telegram } from './telegram.ts'
import { whatsapp } from './whatsapp.ts'

export const PRESETS: ReadonlyMap<string, Preset> = new Map(
  [
    slack,
    whatsapp,
    teams,
    discord,
    telegram,
    pagerduty,
    ntfy,
    gotify,
    datadog,
    splunkHec,
    msgq,
  ].map((preset) => [preset.type, preset]),
)
