export { type Document, htmlDocument } from './document.js'
export { htmlFigure, narrowHtmlFigure } from './figure.js'
export { escapeHtml, htmlTable } from './html.js'
