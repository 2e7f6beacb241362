import portuguese from "@uppy/locales/lib/pt_BR.js";

const uppy = {
  strings: {
    ...portuguese.strings,
    dashboardTitle: "Arquivos para enviar",
    dropPasteFiles: "%{browseFiles} ou solte ou cole aqui",
    dropPasteImportFiles: "%{browseFiles}, solte ou cole aqui, ou use",
    browseFiles: "Escolher arquivos",
  },
};

const own = {
  images: "JPEG, PNG, WebP, GIF ou AVIF",
  sending: "Enviando",
  checking: "Conferindo o que chegou",
  paused: "Em pausa. O que chegou fica guardado.",
  waiting: {
    offline: "Sem conexão. O envio continua sozinho quando ela voltar.",
    connection: "Esperando a conexão",
    stalled: "A conexão travou",
    server: "O Mayfly não responde",
    storage: "O armazenamento não responde",
  },
  again: (seconds) => `nova tentativa em ${seconds} s`,
  speed: (speed) => `${speed}/s`,
  ready: (name) => `${name} chegou.`,
  interrupted: (name, percent) => `${name} foi interrompido em ${percent} %. Escolha-o de novo para continuar.`,
  discard: "Descartar",
  discardNamed: (name) => `Descartar ${name}`,
  kept: (kept) =>
    kept === 1
      ? "Só a imagem mais nova fica."
      : `Só as ${kept} imagens mais novas ficam: destas, as outras saem na hora.`,
  about: (name, text) => `${name}: ${text}`,
  empty: () => "Este arquivo está vazio.",
  notImage: () => "Esta não é uma imagem que possamos mostrar: JPEG, PNG, WebP, GIF e AVIF são. Envie-a como arquivo.",
  heic: () => "Fotos HEIC não podem ser mostradas aqui. Envie-a como arquivo.",
  tooLarge: ({ limit }) => `É grande demais: aqui se pode enviar no máximo ${limit}.`,
  gone: () => "O servidor desistiu deste envio duas vezes. O que foi enviado se perdeu; tente de novo mais tarde.",
  late: () =>
    "Foi removido antes de ficar completo, ou seu tempo já acabou. Escolha-o de novo para enviá-lo outra vez.",
  lost: () => "O armazenamento perdeu partes dele repetidas vezes. Tente de novo mais tarde.",
  refused: () =>
    "O armazenamento recusa as partes, embora recém-assinadas (403). Quem mantém este site pode corrigir isso.",
  barred: ({ origin }) =>
    `O armazenamento em ${origin} não aceita envios desta página. O bucket precisa permitir o endereço desta página (CORS); quem mantém este site pode corrigir isso.`,
  unreadable: () => "O arquivo não pode mais ser lido: foi alterado, movido ou removido. Escolha-o de novo.",
  stale: () =>
    "Esta página ficou aberta tempo demais, ou os cookies estão bloqueados. Carregue-a de novo e escolha o arquivo outra vez: o que foi enviado fica.",
  status: ({ status }) => `Algo entre você e o Mayfly recusou isto (${status}).`,
  gaveUp: ({ why }) =>
    `${own.waiting[why]}, há um quarto de hora. O que foi enviado fica; tente de novo quando a conexão melhorar.`,
};

export const words = { own, uppy };
