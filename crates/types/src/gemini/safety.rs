//! Safety settings and ratings.

wire! {
    /// From which risk on a kind of harm is blocked.
    #[derive(Debug)]
    pub struct SafetySetting {
        /// The kind of harm.
        pub category: Option<HarmCategory>,
        /// From which risk on it is blocked.
        pub threshold: Option<HarmBlockThreshold>,
        /// How the risk is measured; Vertex only.
        pub method: Option<HarmBlockMethod>,
    }

    /// How risky a text was found to be.
    #[derive(Debug)]
    pub struct SafetyRating {
        /// The kind of harm.
        pub category: Option<HarmCategory>,
        /// How likely it is.
        pub probability: Option<HarmProbability>,
        /// True when the text was withheld for it.
        pub blocked: Option<bool>,
        /// The likelihood as a number from 0 to 1; Vertex only.
        pub probability_score: Option<f64>,
        /// How grave it is; Vertex only.
        pub severity: Option<HarmSeverity>,
        /// The gravity as a number from 0 to 1; Vertex only.
        pub severity_score: Option<f64>,
        /// The threshold used instead of the one asked for; Vertex only.
        pub overwritten_threshold: Option<HarmBlockThreshold>,
    }
}

open_enum! {
    /// Kinds of harm.
    pub enum HarmCategory {
        /// Not said.
        Unspecified = "HARM_CATEGORY_UNSPECIFIED",
        /// Harassment.
        Harassment = "HARM_CATEGORY_HARASSMENT",
        /// Hate speech.
        HateSpeech = "HARM_CATEGORY_HATE_SPEECH",
        /// Sexually explicit content.
        SexuallyExplicit = "HARM_CATEGORY_SEXUALLY_EXPLICIT",
        /// Dangerous content.
        DangerousContent = "HARM_CATEGORY_DANGEROUS_CONTENT",
        /// Content that harms elections.
        CivicIntegrity = "HARM_CATEGORY_CIVIC_INTEGRITY",
        /// Prompts that work around the rules.
        Jailbreak = "HARM_CATEGORY_JAILBREAK",
        /// Hateful pictures.
        ImageHate = "HARM_CATEGORY_IMAGE_HATE",
        /// Dangerous pictures.
        ImageDangerousContent = "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT",
        /// Harassing pictures.
        ImageHarassment = "HARM_CATEGORY_IMAGE_HARASSMENT",
        /// Sexually explicit pictures.
        ImageSexuallyExplicit = "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
    }

    /// From which risk on content is blocked.
    pub enum HarmBlockThreshold {
        /// The model's default.
        Unspecified = "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
        /// From low risk on.
        BlockLowAndAbove = "BLOCK_LOW_AND_ABOVE",
        /// From medium risk on.
        BlockMediumAndAbove = "BLOCK_MEDIUM_AND_ABOVE",
        /// Only at high risk.
        BlockOnlyHigh = "BLOCK_ONLY_HIGH",
        /// Never, but ratings are given.
        BlockNone = "BLOCK_NONE",
        /// The filter is switched off.
        Off = "OFF",
    }

    /// How risk is measured.
    pub enum HarmBlockMethod {
        /// The service decides.
        Unspecified = "HARM_BLOCK_METHOD_UNSPECIFIED",
        /// By likelihood and gravity.
        Severity = "SEVERITY",
        /// By likelihood alone.
        Probability = "PROBABILITY",
    }

    /// How likely a harm is.
    pub enum HarmProbability {
        /// Not said.
        Unspecified = "HARM_PROBABILITY_UNSPECIFIED",
        /// Hardly.
        Negligible = "NEGLIGIBLE",
        /// Little.
        Low = "LOW",
        /// Rather.
        Medium = "MEDIUM",
        /// Very.
        High = "HIGH",
    }

    /// How grave a harm is.
    pub enum HarmSeverity {
        /// Not said.
        Unspecified = "HARM_SEVERITY_UNSPECIFIED",
        /// Hardly.
        Negligible = "HARM_SEVERITY_NEGLIGIBLE",
        /// Little.
        Low = "HARM_SEVERITY_LOW",
        /// Rather.
        Medium = "HARM_SEVERITY_MEDIUM",
        /// Very.
        High = "HARM_SEVERITY_HIGH",
    }

    /// Why a prompt was refused.
    pub enum BlockedReason {
        /// Not said.
        Unspecified = "BLOCKED_REASON_UNSPECIFIED",
        /// The safety settings.
        Safety = "SAFETY",
        /// Another reason.
        Other = "OTHER",
        /// A forbidden word.
        Blocklist = "BLOCKLIST",
        /// Forbidden content.
        ProhibitedContent = "PROHIBITED_CONTENT",
        /// An unsafe picture.
        ImageSafety = "IMAGE_SAFETY",
        /// Model Armor.
        ModelArmor = "MODEL_ARMOR",
        /// An attempt to work around the rules.
        Jailbreak = "JAILBREAK",
    }
}
