export { escapeHtml } from '../escape.js'
export { type Document, htmlDocument } from './document.js'
export { htmlFigure, narrowHtmlFigure } from './figure.js'
export { htmlTable } from './html.js'
