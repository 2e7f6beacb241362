// The texts of Uppy that its Dashboard shows here, in the page's language. Uppy's own English serves for the rest, which
// belongs to parts that are switched off. `%{…}` are Uppy's places.

import { formOf, pluralForms, t } from "./words.js";

/** The `locale` option of Uppy. */
export function uppyLocale() {
  return {
    pluralize: formOf,
    strings: {
      addMore: t("Add more"),
      addMoreFiles: t("Add more files"),
      addingMoreFiles: t("Adding more files"),
      back: t("Back"),
      browseFiles: t("Choose files"),
      cancel: t("Cancel"),
      cancelUpload: t("Cancel upload"),
      complete: t("Complete"),
      dashboardTitle: t("Files to upload"),
      dropHint: t("Drop your files here"),
      dropPasteFiles: t("%{browseFiles} or drop or paste them here"),
      dropPasteImportFiles: t("%{browseFiles}, drop or paste them here, or use"),
      error: t("Error"),
      filesUploadedOfTotal: pluralForms(
        "%{complete} of %{smart_count} file uploaded",
        "%{complete} of %{smart_count} files uploaded",
      ),
      myDevice: t("My device"),
      pause: t("Pause"),
      paused: t("Paused"),
      pauseUpload: t("Pause upload"),
      recordVideoBtn: t("Record video"),
      removeFile: t("Remove file"),
      resume: t("Resume"),
      resumeUpload: t("Resume upload"),
      retry: t("Retry"),
      retryUpload: t("Retry upload"),
      showErrorDetails: t("Show error details"),
      takePictureBtn: t("Take picture"),
      upload: t("Upload"),
      uploadComplete: t("Upload complete"),
      uploadFailed: t("Upload failed"),
      uploading: t("Uploading"),
      uploadingXFiles: pluralForms("Uploading %{smart_count} file", "Uploading %{smart_count} files"),
      uploadPaused: t("Upload paused"),
      uploadXFiles: pluralForms("Upload %{smart_count} file", "Upload %{smart_count} files"),
      uploadXNewFiles: pluralForms("Upload +%{smart_count} file", "Upload +%{smart_count} files"),
      xFilesSelected: pluralForms("%{smart_count} file selected", "%{smart_count} files selected"),
      xMoreFilesAdded: pluralForms("%{smart_count} more file added", "%{smart_count} more files added"),
      youCanOnlyUploadFileTypes: t("You can only upload: %{types}"),
    },
  };
}
