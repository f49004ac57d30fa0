import { cellsOptions, configOptions } from '../commands/options.js'
import { type RunConfig, resolveRunConfig } from '../config.js'

/** The command that runs this again: what differs from the preset, as options. */
export function repeatCommand(config: RunConfig): string {
  const preset = resolveRunConfig({ preset: config.preset })
  const asked = { ...config, strategies: config.strategies.map((name) => config.plugins?.[name]?.from ?? name) }
  const options = [...cellsOptions(), ...configOptions()].flatMap((option) => {
    const key = option.attributeName() as keyof RunConfig
    const value = asked[key]
    if (key === 'preset' || value === undefined || `${value}` === `${preset[key]}`) return []
    return [value === true ? option.long : `${option.long} ${quote(`${value}`)}`]
  })
  return ['pnpm bench run', `--preset ${config.preset}`, ...options].join(' ')
}

/** For a shell, where it would not be taken as it is. */
const quote = (text: string) => (/^[\w.,:/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
