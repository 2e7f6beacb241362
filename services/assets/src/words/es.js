import spanish from "@uppy/locales/lib/es_ES.js";

const uppy = {
  strings: {
    ...spanish.strings,
    dashboardTitle: "Archivos para subir",
    dropPasteFiles: "%{browseFiles} o suéltelos o péguelos aquí",
    dropPasteImportFiles: "%{browseFiles}, suéltelos o péguelos aquí, o use",
    browseFiles: "Elegir archivos",
  },
};

const own = {
  images: "JPEG, PNG, WebP, GIF o AVIF",
  sending: "Subiendo",
  checking: "Comprobando lo que ha llegado",
  paused: "En pausa. Lo que ha llegado se conserva.",
  waiting: {
    offline: "Sin conexión. La subida sigue sola cuando vuelva.",
    connection: "Esperando la conexión",
    stalled: "La conexión se ha atascado",
    server: "Mayfly no responde",
    storage: "El almacenamiento no responde",
  },
  again: (seconds) => `nuevo intento en ${seconds} s`,
  speed: (speed) => `${speed}/s`,
  ready: (name) => `${name} ya está aquí.`,
  interrupted: (name, percent) => `${name} se interrumpió al ${percent} %. Elíjalo de nuevo para seguir.`,
  discard: "Descartar",
  discardNamed: (name) => `Descartar ${name}`,
  kept: (kept) =>
    kept === 1
      ? "Solo queda la imagen más nueva."
      : `Solo quedan las ${kept} imágenes más nuevas: de estas, las demás se van al momento.`,
  about: (name, text) => `${name}: ${text}`,
  empty: () => "Este archivo está vacío.",
  notImage: () => "No es una imagen que podamos mostrar: JPEG, PNG, WebP, GIF y AVIF sí. Envíela como archivo.",
  heic: () => "Las fotos HEIC no se pueden mostrar aquí. Envíela como archivo.",
  tooLarge: ({ limit }) => `Es demasiado grande: aquí se puede enviar ${limit} como máximo.`,
  gone: () => "El servidor ha abandonado esta subida dos veces. Lo enviado se ha perdido; inténtelo más tarde.",
  late: () => "Se eliminó antes de estar completo, o su tiempo ya terminó. Elíjalo de nuevo para enviarlo otra vez.",
  lost: () => "El almacenamiento ha perdido partes una y otra vez. Inténtelo más tarde.",
  refused: () =>
    "El almacenamiento rechaza las partes, aunque se acaban de firmar (403). Quien mantiene este sitio puede arreglarlo.",
  barred: ({ origin }) =>
    `El almacenamiento en ${origin} no acepta subidas desde esta página. Su bucket tiene que permitir la dirección de esta página (CORS); quien mantiene este sitio puede arreglarlo.`,
  unreadable: () => "El archivo ya no se puede leer: se cambió, se movió o se eliminó. Elíjalo de nuevo.",
  stale: () =>
    "Esta página lleva demasiado tiempo abierta, o las cookies están bloqueadas. Cárguela de nuevo y elija el archivo otra vez: lo enviado se conserva.",
  status: ({ status }) => `Algo entre usted y Mayfly rechazó esto (${status}).`,
  gaveUp: ({ why }) =>
    `${own.waiting[why]}, desde hace un cuarto de hora. Lo enviado se conserva; inténtelo cuando la conexión mejore.`,
};

export const words = { own, uppy };
