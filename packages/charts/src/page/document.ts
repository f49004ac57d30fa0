import { readFileSync } from 'node:fs'
import { escapeHtml } from '../escape.js'
import { dark, light, themeVariables } from '../palette.js'

export interface Document {
  readonly title: string
  /** HTML. */
  readonly body: string
  /** CSS and JavaScript, beside what every page with figures has. */
  readonly style?: string
  readonly script?: string
}

const asset = (name: string) => readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8')

const styles = ['figures.css', 'page.css', 'pick.css', 'print.css'].map(asset).join('')
const scripts = ['figures.js', 'pick.js', 'print.js'].map(asset).join('')

/** A whole HTML page that needs no other file, in the colours of either theme. */
export const htmlDocument = ({ title, body, style = '', script = '' }: Document) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>
:root{${themeVariables(light)}}
@media screen and (prefers-color-scheme:dark){:root{${themeVariables(dark)}}}
${styles}${style}</style>
</head>
<body>
${body}
<script>
${scripts}${script}</script>
</body>
</html>
`
