//! Pictures that an edit refers to, by number, and what each of them is for; Vertex only.

use super::Image;

wire! {
    /// A picture that the prompt of an edit refers to as `[1]`, `[2]` and so on.
    #[derive(Debug)]
    pub struct ReferenceImage {
        /// The picture; a mask that the service computes needs none.
        pub reference_image: Option<Box<Image>>,
        /// The number in the prompt.
        pub reference_id: Option<i32>,
        /// What it is for.
        pub reference_type: Option<ReferenceImageType>,
        /// How a mask is used.
        pub mask_image_config: Option<Box<MaskReferenceConfig>>,
        /// How a control picture is used.
        pub control_image_config: Option<Box<ControlReferenceConfig>>,
        /// How a style is used.
        pub style_image_config: Option<Box<StyleReferenceConfig>>,
        /// How a subject is used.
        pub subject_image_config: Option<Box<SubjectReferenceConfig>>,
    }

    /// How a mask is used.
    #[derive(Debug)]
    pub struct MaskReferenceConfig {
        /// Where the mask comes from.
        pub mask_mode: Option<MaskReferenceMode>,
        /// Numbers of the classes that a semantic mask covers, at most five.
        pub segmentation_classes: Vec<i32>,
        /// How far the mask is widened, as a fraction of the picture's width.
        pub mask_dilation: Option<f64>,
    }

    /// How a control picture is used.
    #[derive(Debug)]
    pub struct ControlReferenceConfig {
        /// What it shows.
        pub control_type: Option<ControlReferenceType>,
        /// Let the service compute it from an ordinary picture.
        pub enable_control_image_computation: Option<bool>,
    }

    /// How a style is used.
    pub struct StyleReferenceConfig {
        /// The style in words.
        pub style_description: Option<String>,
    }

    /// How a subject is used.
    pub struct SubjectReferenceConfig {
        /// What kind of subject it is.
        pub subject_type: Option<SubjectReferenceType>,
        /// The subject in words.
        pub subject_description: Option<String>,
    }
}

open_enum! {
    /// What a reference picture is for.
    pub enum ReferenceImageType {
        /// It is the picture to edit.
        Raw = "REFERENCE_TYPE_RAW",
        /// It says where to edit.
        Mask = "REFERENCE_TYPE_MASK",
        /// It gives outlines to follow.
        Control = "REFERENCE_TYPE_CONTROL",
        /// It gives a style.
        Style = "REFERENCE_TYPE_STYLE",
        /// It shows a subject.
        Subject = "REFERENCE_TYPE_SUBJECT",
        /// It gives content to take over.
        Content = "REFERENCE_TYPE_CONTENT",
    }

    /// Where a mask comes from.
    pub enum MaskReferenceMode {
        /// The service decides.
        Default = "MASK_MODE_DEFAULT",
        /// The reference picture is the mask.
        UserProvided = "MASK_MODE_USER_PROVIDED",
        /// The background is found in the picture.
        Background = "MASK_MODE_BACKGROUND",
        /// The foreground is found in the picture.
        Foreground = "MASK_MODE_FOREGROUND",
        /// Things of the given classes are found in the picture.
        Semantic = "MASK_MODE_SEMANTIC",
    }

    /// What a control picture shows.
    pub enum ControlReferenceType {
        /// The service decides.
        Default = "CONTROL_TYPE_DEFAULT",
        /// Edges.
        Canny = "CONTROL_TYPE_CANNY",
        /// Strokes.
        Scribble = "CONTROL_TYPE_SCRIBBLE",
        /// A face as a mesh.
        FaceMesh = "CONTROL_TYPE_FACE_MESH",
    }

    /// Kinds of subjects.
    pub enum SubjectReferenceType {
        /// The service decides.
        Default = "SUBJECT_TYPE_DEFAULT",
        /// A person.
        Person = "SUBJECT_TYPE_PERSON",
        /// An animal.
        Animal = "SUBJECT_TYPE_ANIMAL",
        /// A product.
        Product = "SUBJECT_TYPE_PRODUCT",
    }
}

impl ReferenceImage {
    fn of(kind: ReferenceImageType, id: i32) -> Self {
        Self::new().set_reference_type(kind).set_reference_id(id)
    }

    /// The picture to edit.
    pub fn raw(id: i32, image: Image) -> Self {
        Self::of(ReferenceImageType::Raw, id).set_reference_image(image)
    }

    /// Where to edit. A mask that the service computes needs no picture; one that is given is
    /// added with [`set_reference_image`](Self::set_reference_image).
    pub fn mask(id: i32, config: MaskReferenceConfig) -> Self {
        Self::of(ReferenceImageType::Mask, id).set_mask_image_config(config)
    }

    /// Outlines to follow.
    pub fn control(id: i32, image: Image, config: ControlReferenceConfig) -> Self {
        Self::of(ReferenceImageType::Control, id)
            .set_reference_image(image)
            .set_control_image_config(config)
    }

    /// A style to take over.
    pub fn style(id: i32, image: Image, config: StyleReferenceConfig) -> Self {
        Self::of(ReferenceImageType::Style, id)
            .set_reference_image(image)
            .set_style_image_config(config)
    }

    /// A subject to show.
    pub fn subject(id: i32, image: Image, config: SubjectReferenceConfig) -> Self {
        Self::of(ReferenceImageType::Subject, id)
            .set_reference_image(image)
            .set_subject_image_config(config)
    }

    /// Content to take over.
    pub fn content(id: i32, image: Image) -> Self {
        Self::of(ReferenceImageType::Content, id).set_reference_image(image)
    }
}
