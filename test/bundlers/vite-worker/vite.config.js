// A worker that is split into files, as threads() splits it, has to be one of modules: before Vite 8 that is to be said.
export default { worker: { format: "es" } };
