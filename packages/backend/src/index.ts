export { type Backend, type BackendName, backendNames, type PassedOver, selectBackend } from './select.js'
