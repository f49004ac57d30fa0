export { escapeHtml } from '../escape.js'
export { type Document, htmlDocument } from './document.js'
export { htmlFigure, narrowHtmlFigure } from './figure.js'
export { type HtmlCell, htmlTable } from './html.js'
