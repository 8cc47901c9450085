//! The media types that interactions know.
//!
//! One enum for each kind of media; what goes in and what comes out share it.

open_enum! {
    /// The format of a picture.
    pub enum ImageMimeType {
        /// PNG.
        Png = "image/png",
        /// JPEG.
        Jpeg = "image/jpeg",
        /// WebP.
        Webp = "image/webp",
        /// HEIC, as phones write it.
        Heic = "image/heic",
        /// HEIF.
        Heif = "image/heif",
        /// GIF.
        Gif = "image/gif",
        /// Windows bitmap.
        Bmp = "image/bmp",
        /// TIFF.
        Tiff = "image/tiff",
    }

    /// The format of a recording.
    pub enum AudioMimeType {
        /// WAV.
        Wav = "audio/wav",
        /// MP3 under its everyday name.
        Mp3 = "audio/mp3",
        /// AIFF.
        Aiff = "audio/aiff",
        /// AAC.
        Aac = "audio/aac",
        /// Ogg Vorbis.
        Ogg = "audio/ogg",
        /// FLAC.
        Flac = "audio/flac",
        /// MP3 under its registered name.
        Mpeg = "audio/mpeg",
        /// AAC in an MP4 container.
        M4a = "audio/m4a",
        /// Raw samples of 16 bits.
        L16 = "audio/l16",
        /// Opus.
        Opus = "audio/opus",
        /// A-law, as telephones in Europe use it.
        Alaw = "audio/alaw",
        /// Mu-law, as telephones in America use it.
        Mulaw = "audio/mulaw",
        /// Sound in a WebM container.
        Webm = "audio/webm",
    }

    /// The format of a film.
    pub enum VideoMimeType {
        /// MP4.
        Mp4 = "video/mp4",
        /// MPEG.
        Mpeg = "video/mpeg",
        /// MPEG under its short name.
        Mpg = "video/mpg",
        /// QuickTime.
        Mov = "video/mov",
        /// AVI.
        Avi = "video/avi",
        /// Flash video.
        Flv = "video/x-flv",
        /// WebM.
        Webm = "video/webm",
        /// Windows Media.
        Wmv = "video/wmv",
        /// 3GPP, as old phones write it.
        ThreeGpp = "video/3gpp",
        /// Frames in JPEG 2000; comes out only.
        Jpeg2000 = "video/jpeg2000",
    }

    /// The format of a document.
    pub enum DocumentMimeType {
        /// PDF.
        Pdf = "application/pdf",
        /// Comma-separated values.
        Csv = "text/csv",
        /// Word, before 2007.
        Doc = "application/msword",
        /// Word.
        Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        /// A template of Word's.
        Dotx = "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        /// Excel, before 2007.
        Xls = "application/vnd.ms-excel",
        /// Excel.
        Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        /// PowerPoint, before 2007.
        Ppt = "application/vnd.ms-powerpoint",
        /// PowerPoint.
        Pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        /// OpenDocument text.
        Odt = "application/vnd.oasis.opendocument.text",
        /// An OpenDocument spreadsheet.
        Ods = "application/vnd.oasis.opendocument.spreadsheet",
        /// An OpenDocument presentation.
        Odp = "application/vnd.oasis.opendocument.presentation",
    }
}
