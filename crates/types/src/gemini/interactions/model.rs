//! The models that interactions know by name.

open_enum! {
    /// A model; any other name is kept as it is.
    pub enum Model {
        /// Gemini 2.5 Flash.
        Gemini2_5Flash = "gemini-2.5-flash",
        /// Gemini 2.5 Flash Image, which makes pictures.
        Gemini2_5FlashImage = "gemini-2.5-flash-image",
        /// Gemini 2.5 Flash Lite.
        Gemini2_5FlashLite = "gemini-2.5-flash-lite",
        /// Gemini 2.5 Pro.
        Gemini2_5Pro = "gemini-2.5-pro",
        /// Gemini 3 Flash Preview.
        Gemini3FlashPreview = "gemini-3-flash-preview",
        /// Gemini 3 Pro Image, which makes pictures.
        Gemini3ProImage = "gemini-3-pro-image",
        /// Gemini 3.1 Flash Image, which makes pictures.
        Gemini3_1FlashImage = "gemini-3.1-flash-image",
        /// Gemini 3.1 Flash Lite.
        Gemini3_1FlashLite = "gemini-3.1-flash-lite",
        /// Gemini 3.1 Flash Lite Image, which makes pictures.
        Gemini3_1FlashLiteImage = "gemini-3.1-flash-lite-image",
        /// Gemini 3.1 Flash TTS Preview, which speaks.
        Gemini3_1FlashTtsPreview = "gemini-3.1-flash-tts-preview",
        /// Gemini 3.1 Pro Preview.
        Gemini3_1ProPreview = "gemini-3.1-pro-preview",
        /// Gemini 3.1 Pro Preview for tools of your own.
        Gemini3_1ProPreviewCustomtools = "gemini-3.1-pro-preview-customtools",
        /// Gemini 3.5 Flash.
        Gemini3_5Flash = "gemini-3.5-flash",
        /// Gemini 3.5 Flash Lite.
        Gemini3_5FlashLite = "gemini-3.5-flash-lite",
        /// Gemini 3.5 Transcribe, which writes down recordings.
        Gemini3_5Transcribe = "gemini-3.5-transcribe",
        /// Gemini 3.6 Flash.
        Gemini3_6Flash = "gemini-3.6-flash",
        /// Gemini 3.7 Flash.
        Gemini3_7Flash = "gemini-3.7-flash",
        /// Gemini 3.8 Flash.
        Gemini3_8Flash = "gemini-3.8-flash",
        /// Gemini 3.8 Flash Lite TTS, which speaks.
        Gemini3_8FlashLiteTts = "gemini-3.8-flash-lite-tts",
        /// Gemini 3.8 Flash TTS, which speaks.
        Gemini3_8FlashTts = "gemini-3.8-flash-tts",
        /// Gemini 4 Argon.
        Gemini4Argon = "gemini-4-argon",
        /// Gemini 4 Carbon.
        Gemini4Carbon = "gemini-4-carbon",
        /// Gemini 4 Hydrogen.
        Gemini4Hydrogen = "gemini-4-hydrogen",
        /// Gemini Flash Latest, whichever that is.
        GeminiFlashLatest = "gemini-flash-latest",
        /// Gemini Flash Lite Latest, whichever that is.
        GeminiFlashLiteLatest = "gemini-flash-lite-latest",
        /// Gemini Nano Banana 2.1, which makes pictures.
        GeminiNanoBanana2_1 = "gemini-nano-banana-2.1",
        /// Gemini Omni 1.1 Flash.
        GeminiOmni1_1Flash = "gemini-omni-1.1-flash",
        /// Gemini Omni 1.2 Flash.
        GeminiOmni1_2Flash = "gemini-omni-1.2-flash",
        /// Gemini Omni Flash Preview.
        GeminiOmniFlashPreview = "gemini-omni-flash-preview",
        /// Gemini Pro Latest, whichever that is.
        GeminiProLatest = "gemini-pro-latest",
        /// Gemini Robotics ER 1.6 Preview.
        GeminiRoboticsEr1_6Preview = "gemini-robotics-er-1.6-preview",
        /// Gemini Robotics ER 2 Preview.
        GeminiRoboticsEr2Preview = "gemini-robotics-er-2-preview",
        /// Gemma 4 26B A4B instruction-tuned.
        Gemma4_26bA4bIt = "gemma-4-26b-a4b-it",
        /// Gemma 4 31B instruction-tuned.
        Gemma4_31bIt = "gemma-4-31b-it",
        /// Lyria 3 Clip Preview, which makes music.
        Lyria3ClipPreview = "lyria-3-clip-preview",
        /// Lyria 3 Pro Preview, which makes music.
        Lyria3ProPreview = "lyria-3-pro-preview",
        /// Lyria 3.5, which makes music.
        Lyria3_5 = "lyria-3.5",
        /// Nano Banana Pro Preview, which makes pictures.
        NanoBananaProPreview = "nano-banana-pro-preview",
    }
}
